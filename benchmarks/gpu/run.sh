#!/usr/bin/env bash
# Runs the tests marked `gpu` and measures the table of speed on one GPU, in less than 8 minutes.
#   benchmarks/gpu/run.sh [FOLDER]        # writes FOLDER, by default runs/gpu
#   benchmarks/gpu/run.sh --dry [FOLDER]  # tiny sizes on a CPU, in about a minute
# Needs Python with torch, numpy and pyarrow (PYTHON names it, by default python3); for the tests pytest and hypothesis.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 2
export PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}" PYTHONUNBUFFERED=1
python="${PYTHON:-python3}"
dry="" within=120
if [ "${1:-}" = "--dry" ]; then dry="--dry" within=360; shift; fi # on a machine that may be busy
out="${1:-runs/gpu}"
mkdir -p "$out" || exit 2

failed=0
if "$python" -c "import hypothesis, pytest"; then
  grep -rlZ --include="test_*.py" "^@pytest.mark.gpu" tests |
    xargs -0 timeout "$within" "$python" -m pytest -q -p no:cacheprovider -m gpu 2>&1 | tee "$out/tests.txt" || failed=1
else
  echo "The tests marked gpu were not run: pytest or hypothesis is missing." | tee "$out/tests.txt"
fi
timeout 340 "$python" -m benchmarks.gpu --out "$out" --seconds 270 $dry || failed=1
exit "$failed"
