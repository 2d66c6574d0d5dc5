/* Convolutions, plain and transposed, as direct sums over windows. Values are channels-last, [B, H, W, C], and a group of
   samples is copied into a frame of zeros that stays in the cache; there the numbers that a window has in a row of pixels
   lie one behind the other, a run. Both kinds join a small and a large image by weights [small, large, k, k]:

   down: small[y, x, s] = sum_{i, j, l} large[y * stride + i - padding, x * stride + j - padding, l] w[s, l, i, j]
   up:   large[n, m, l] = the sum of all small[y, x, s] w[s, l, i, j] with y * stride + i - padding = n, m alike

   A plain convolution is down and its gradient for the input is up; of a transposed one it is the other way round. */

#include "frames.c"

#define UNROLLED _Pragma("GCC unroll 8")
#if defined(__x86_64__)
#define KEEP(value) __asm__("" : "+v"(value)) /* in a register: gcc would read it again for each use */
#else
#define KEEP(value)
#endif
#define INLINE static inline __attribute__((always_inline))
#define APART static __attribute__((noinline))

typedef float vec __attribute__((vector_size(4 * WIDTH)));
typedef float loose __attribute__((vector_size(4 * WIDTH), aligned(4), may_alias));

INLINE vec load(const float *from)
{
    return *(const loose *)from;
}

INLINE void store(float *to, vec value)
{
    *(loose *)to = value;
}

/* Sums */

/* Sum PIXELS windows for a panel of so many vectors; past the last window it is done again. */
INLINE void window_tile(const Pass *pass, int64_t first, int64_t count, int vectors, const float *weight,
                        const float *frames, float *result, int64_t outputs, int64_t panel)
{
    const float *at[PIXELS];
    vec sum[PIXELS][PANEL];
    Reach reach = pass->reach[first / PIXELS];
    UNROLLED for (int p = 0; p < PIXELS; p++) {
        at[p] = frames + pass->from[least(first + p, count - 1)] + reach.rows.first * pass->by;
        UNROLLED for (int v = 0; v < vectors; v++) sum[p][v] = (vec){0};
    }
    for (int64_t y = reach.rows.first; y < reach.rows.end; y++) {
        const float *own = weight + (y * pass->run + reach.run.first) * vectors * WIDTH;
        for (int64_t i = reach.run.first; i < reach.run.end; i++, own += vectors * WIDTH) {
            vec w[PANEL];
            UNROLLED for (int v = 0; v < vectors; v++) w[v] = load(own + v * WIDTH);
            UNROLLED for (int p = 0; p < PIXELS; p++)
                UNROLLED for (int v = 0; v < vectors; v++) sum[p][v] += at[p][i] * w[v];
        }
        UNROLLED for (int p = 0; p < PIXELS; p++) at[p] += pass->by;
    }
    UNROLLED for (int p = 0; p < PIXELS; p++) {
        float *to = result + pass->to[least(first + p, count - 1)] + panel;
        UNROLLED for (int v = 0; v < vectors; v++) {
            if (panel + (v + 1) * WIDTH <= outputs)
                store(to + v * WIDTH, sum[p][v]);
            else
                memcpy(to + v * WIDTH, &sum[p][v], (outputs - panel - v * WIDTH) * sizeof(float));
        }
    }
}

static inline float added_up(vec value)
{
#ifdef __clang__
    UNROLLED for (int half = WIDTH / 2; half > 0; half /= 2)
        UNROLLED for (int i = 0; i < half; i++) value[i] += value[i + half];
#else
    typedef int32_t places __attribute__((vector_size(4 * WIDTH)));
    places own;
    UNROLLED for (int i = 0; i < WIDTH; i++) own[i] = i;
    UNROLLED for (int half = WIDTH / 2; half > 0; half /= 2) value += __builtin_shuffle(value, own ^ half);
#endif
    return value[0];
}

/* Sum a few windows for few outputs: vectors lie along the run, and what is left of it is added one by one. */
INLINE void narrow_tile(const Pass *pass, int64_t first, int64_t count, int pixels, int outputs, const float *frames,
                        float *result)
{
    const float *at[PIXELS];
    vec sum[PIXELS][NARROW];
    float total[PIXELS][NARROW];
    Reach reach = pass->reach[first / PIXELS];
    int64_t output_by = pass->rows * pass->run, rest = (reach.run.end - reach.run.first) % WIDTH;
    UNROLLED for (int p = 0; p < pixels; p++) {
        at[p] = frames + pass->from[least(first + p, count - 1)];
        UNROLLED for (int o = 0; o < outputs; o++) sum[p][o] = (vec){0};
    }
    for (int64_t y = reach.rows.first; y < reach.rows.end; y++) {
        const float *weight = pass->weight + y * pass->run;
        for (int64_t i = reach.run.first; i + WIDTH <= reach.run.end; i += WIDTH) {
            vec w[NARROW];
            UNROLLED for (int o = 0; o < outputs; o++) {
                w[o] = load(weight + o * output_by + i);
                KEEP(w[o]);
            }
            UNROLLED for (int p = 0; p < pixels; p++) {
                vec own = load(at[p] + y * pass->by + i);
                KEEP(own);
                UNROLLED for (int o = 0; o < outputs; o++) sum[p][o] += own * w[o];
            }
        }
    }
    UNROLLED for (int p = 0; p < pixels; p++)
        UNROLLED for (int o = 0; o < outputs; o++) total[p][o] = added_up(sum[p][o]);
    for (int64_t y = reach.rows.first; y < reach.rows.end && rest > 0; y++)
        for (int64_t i = reach.run.end - rest; i < reach.run.end; i++)
            UNROLLED for (int p = 0; p < pixels; p++)
                UNROLLED for (int o = 0; o < outputs; o++)
                    total[p][o] += at[p][y * pass->by + i] * pass->weight[o * output_by + y * pass->run + i];
    UNROLLED for (int p = 0; p < pixels; p++)
        memcpy(result + pass->to[least(first + p, count - 1)], total[p], outputs * sizeof(float));
}

/* Functions of their own, because one with all of them runs out of registers for addresses. */
#define NARROW_SUMS(outputs, pixels) \
    APART void narrow_sums_##outputs(const Pass *pass, int64_t count, const float *frames, float *result) \
    { \
        for (int64_t p = 0; p < count; p += pixels) \
            narrow_tile(pass, p, count, pixels, outputs, frames, result); \
    }
NARROW_SUMS(1, PIXELS)
NARROW_SUMS(2, PIXELS)
NARROW_SUMS(3, PIXELS / 2)
NARROW_SUMS(4, PIXELS / 2)

static void narrow_sums(const Pass *pass, int64_t count, int64_t outputs, const float *frames, float *result)
{
    if (outputs == 1)
        narrow_sums_1(pass, count, frames, result);
    else if (outputs == 2)
        narrow_sums_2(pass, count, frames, result);
    else if (outputs == 3)
        narrow_sums_3(pass, count, frames, result);
    else
        narrow_sums_4(pass, count, frames, result);
}

static void window_sums(const Pass *pass, int64_t count, int64_t outputs, const float *frames, float *result)
{
    if (outputs <= NARROW) {
        narrow_sums(pass, count, outputs, frames, result);
        return;
    }
    int64_t taps = pass->rows * pass->run;
    for (int64_t panel = 0; panel < outputs; panel += PANEL * WIDTH) {
        const float *weight = pass->weight + panel * taps;
        if (panel + WIDTH < outputs)
            for (int64_t p = 0; p < count; p += PIXELS)
                window_tile(pass, p, count, PANEL, weight, frames, result, outputs, panel);
        else
            for (int64_t p = 0; p < count; p += PIXELS)
                window_tile(pass, p, count, 1, weight, frames, result, outputs, panel);
    }
}

/* small becomes what its windows of large add up to. */
static void down(const Window *w, int64_t rows, const float *large, const float *weight, float *small, float *room)
{
    Frame frame = around_large(w);
    Taps taps = all_taps(w);
    Grid grid = seen(w);
    Pass pass = planned(&taps, &grid, &frame, weight, &room);
    clear(&frame, room);
    for (int64_t b = 0, listed = 0; b < rows; b += frame.samples) {
        int64_t samples = least(frame.samples, rows - b);
        if (samples != listed)
            list_places(&pass, &grid, &frame, listed = samples, w->small_h, w->small_w, w->small);
        enframe(&frame, samples, large + b * w->large_h * w->large_w * w->large, room);
        window_sums(&pass, pass.pixels, w->small, room, small + b * w->small_h * w->small_w * w->small);
    }
}

/* large becomes what is spread from small: pixels with the same remainder are windows of stride 1 of small. */
static void up(const Window *w, int64_t rows, const float *small, const float *weight, float *large, float *room)
{
    Frame frame = around_small(w);
    int64_t s = w->stride, k = w->kernel, area = k * k;
    Pass passes[s * s];
    Grid grids[s * s];
    for (int64_t n = 0; n < s * s; n++) {
        int64_t y = n / s, x = n % s, high = taps_of(w, y), wide = taps_of(w, x);
        Taps taps = {w->large, area, w->small, w->large * area, k, high, wide, y + s * (high - 1), x + s * (wide - 1),
                     -s};
        Grid grid = {count_of(w, y, w->large_h), count_of(w, x, w->large_w), met_by_first(w, y) - high + 1 + frame.front,
                     met_by_first(w, x) - wide + 1 + frame.front, 1, first_of(w, y), first_of(w, x), s};
        grids[n] = grid;
        passes[n] = planned(&taps, &grid, &frame, weight, &room);
    }
    clear(&frame, room);
    for (int64_t b = 0, listed = 0; b < rows; b += frame.samples) {
        int64_t samples = least(frame.samples, rows - b);
        enframe(&frame, samples, small + b * w->small_h * w->small_w * w->small, room);
        for (int64_t n = 0; n < s * s; n++) {
            if (samples != listed)
                list_places(passes + n, grids + n, &frame, samples, w->large_h, w->large_w, w->large);
            window_sums(passes + n, passes[n].pixels, w->large, room, large + b * w->large_h * w->large_w * w->large);
        }
        listed = samples;
    }
}

/* The gradient of the weights */

/* Windows of so many samples, those of one place behind one another, in rows and columns of places. */
typedef struct {
    Range rows, columns;
    int64_t width, samples;
    const int64_t *from, *to;
} Places;

/* Add to sum [run, vectors] the products of PIXELS numbers of a run with the small image's channels, over all places. */
INLINE void outer_tile(const Places *at, int vectors, const float *frames, const float *small, int64_t used, float *sum)
{
    vec part[PIXELS][PANEL];
    UNROLLED for (int i = 0; i < PIXELS; i++)
        UNROLLED for (int v = 0; v < vectors; v++) part[i][v] = (vec){0};
    for (int64_t y = at->rows.first; y < at->rows.end; y++) {
        int64_t end = (y * at->width + at->columns.end) * at->samples;
        for (int64_t p = (y * at->width + at->columns.first) * at->samples; p < end; p++) {
            const float *own = frames + at->from[p]; /* past the run's end too: those sums are dropped */
            vec w[PANEL];
            UNROLLED for (int v = 0; v < vectors; v++) w[v] = load(small + at->to[p] + v * WIDTH);
            UNROLLED for (int i = 0; i < PIXELS; i++)
                UNROLLED for (int v = 0; v < vectors; v++) part[i][v] += own[i] * w[v];
        }
    }
    UNROLLED for (int i = 0; i < PIXELS; i++)
        if (i < used)
            UNROLLED for (int v = 0; v < vectors; v++) {
                float *to = sum + (i * vectors + v) * WIDTH;
                store(to, load(to) + part[i][v]);
            }
}

static int64_t steps_to(int64_t place, int64_t stride, int64_t count)
{
    return place > 0 ? least(count, (place + stride - 1) / stride) : 0;
}

/* Windows whose tap meets more than the frame. */
static Range met(const Window *w, int64_t tap, int64_t side, int64_t count)
{
    Range found = {steps_to(w->padding - tap, w->stride, count), steps_to(w->padding + side - tap, w->stride, count)};
    return found;
}

/* Functions of their own for the registers' sake. */
APART void outer_tile_1(const Places *at, const float *frames, const float *small, int64_t used, float *sum)
{
    outer_tile(at, 1, frames, small, used, sum);
}

APART void outer_tile_2(const Places *at, const float *frames, const float *small, int64_t used, float *sum)
{
    outer_tile(at, PANEL, frames, small, used, sum);
}

static void outer_sums(const Window *w, const Pass *pass, int64_t samples, const float *frames, const float *small)
{
    int64_t all = whole_vectors(w->small);
    Places at = {.width = w->small_w, .samples = samples, .from = pass->from, .to = pass->to};
    for (int64_t panel = 0; panel < all; panel += PANEL * WIDTH) {
        int64_t lanes = least(PANEL * WIDTH, all - panel);
        for (int64_t y = 0; y < pass->rows; y++) {
            at.rows = met(w, y, w->large_h, w->small_h);
            for (int64_t i = 0; i < pass->run; i += PIXELS) {
                int64_t used = least(PIXELS, pass->run - i);
                float *sum = pass->weight + (panel * pass->rows + y * lanes) * pass->run + i * lanes;
                const float *own = frames + y * pass->by + i;
                at.columns = met(w, i / w->large, w->large_w, w->small_w);
                for (int64_t x = i / w->large + 1; x <= (i + used - 1) / w->large; x++)
                    widen_range(&at.columns, met(w, x, w->large_w, w->small_w));
                if (lanes > WIDTH)
                    outer_tile_2(&at, own, small + panel, used, sum);
                else
                    outer_tile_1(&at, own, small + panel, used, sum);
            }
        }
    }
}

static void widen(int64_t pixels, int64_t channels, const float *from, float *to)
{
    int64_t all = whole_vectors(channels);
    for (int64_t p = 0; p < pixels; p++)
        for (int64_t c = 0; c < all; c++)
            to[p * all + c] = c < channels ? from[p * channels + c] : 0;
}

static void for_window_weight(const Window *w, int64_t rows, const float *small, const float *large, float *for_weight,
                              float *room)
{
    Frame frame = around_many(w);
    Taps taps = all_taps(w);
    Grid grid = seen(w);
    Pass pass = planned(&taps, &grid, &frame, NULL, &room);
    int64_t pixels = w->small_h * w->small_w, all = whole_vectors(w->small);
    float *wide = w->small % WIDTH ? take(&room, frame.samples * pixels * all) : NULL;
    memset(pass.weight, 0, pass.rows * pass.run * all * sizeof(float));
    clear(&frame, room);
    for (int64_t b = 0, listed = 0; b < rows; b += frame.samples) {
        int64_t samples = least(frame.samples, rows - b);
        const float *own = small + b * pixels * w->small;
        if (samples != listed)
            list_places(&pass, &grid, &frame, listed = samples, w->small_h, w->small_w, all);
        enframe(&frame, samples, large + b * w->large_h * w->large_w * w->large, room);
        if (wide)
            widen(samples * pixels, w->small, own, wide);
        outer_sums(w, &pass, samples, room, wide ? wide : own);
    }
    unpack(w, pass.weight, for_weight);
}

/* Numbers that any of the three needs room for. */
static int64_t window_room(const Window *w)
{
    Frame large = around_many(w), small = around_small(w);
    int64_t pixels = w->small_h * w->small_w, passes = w->stride * w->stride;
    int64_t area = w->kernel * w->kernel;
    int64_t weights = area * most(whole_vectors(w->small) * w->large, whole_vectors(w->large) * w->small);
    int64_t listed = most(large.samples * pixels, small.samples * w->large_h * w->large_w);
    int64_t wide = large.samples * pixels * whole_vectors(w->small);
    int64_t frames = most(large.samples * frame_size(&large), small.samples * frame_size(&small));
    int64_t places = 4 * listed + 8 * (listed / PIXELS + passes);
    return weights + places + wide + frames + 4 * passes * LANES + 2 * LANES;
}
