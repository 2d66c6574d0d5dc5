#!/bin/bash
# A study as a job of Slurm, on one node or several:
#
#   sbatch docs/howto/cluster/slurm.sh lsgan-stability --profile standard
#
# What stands behind the script goes to `study run`. The launch is in runs/slurm-<job>, or in $OUT. A job that is requeued, or
# a later one with the same OUT, goes on with what is there, so a study may be longer than the longest job:
#
#   OUT=$PWD/runs/night sbatch docs/howto/cluster/slurm.sh lsgan-stability --profile standard
#   OUT=$PWD/runs/night sbatch --dependency=singleton docs/howto/cluster/slurm.sh   # as often as it takes
#
#SBATCH --job-name=study
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=8
#SBATCH --time=24:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --signal=TERM@180
# --gpus-per-node=2 here or behind sbatch asks for GPUs. TERM comes three minutes before the end: on one node the study
# closes its runs and writes a report of what there is.
set -euo pipefail

. "${STUDY_VENV:-$SLURM_SUBMIT_DIR/.venv}/bin/activate"
out="${OUT:-$SLURM_SUBMIT_DIR/runs/slurm-$SLURM_JOB_ID}"
export RAY_ENABLE_UV_RUN_RUNTIME_ENV=0 # every node has this environment already

begun=("$out"/*/*/spec.json)
if [ -e "${begun[0]}" ]; then
  command=(study resume "$(dirname "${begun[0]}")" --out "$out")
else
  command=(study run "$@" --out "$out")
fi

if [ "$SLURM_NNODES" -eq 1 ]; then
  exec srun "${command[@]}"
fi

# Ray's head on the first node, and Ray on all others for as long as the command runs. A port of this job's own, for nodes may be
# shared; a token of this job's own in the
# home that all nodes share, for everybody can reach the port.
head="$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)"
port="$((20000 + SLURM_JOB_ID % 20000))"
export RAY_AUTH_MODE=token RAY_AUTH_TOKEN_PATH="$HOME/.ray/slurm-$SLURM_JOB_ID"
mkdir -p "$HOME/.ray"
(umask 077; head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n' > "$RAY_AUTH_TOKEN_PATH")
trap 'rm -f "$RAY_AUTH_TOKEN_PATH"' EXIT
srun ray symmetric-run --address "$head:$port" --min-nodes "$SLURM_NNODES" --num-cpus "${SLURM_CPUS_PER_TASK:-1}" \
  -- "${command[@]}" --address "$head:$port"
