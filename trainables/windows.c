/* Convolutions, plain and transposed, as direct sums over windows. Values are channels-last, [B, H, W, C], and a group of
   samples is copied into a frame of zeros that stays in the cache; there the numbers that a window has in a row of pixels
   lie one behind the other, a run. Both kinds join a small and a large image by weights [small, large, k, k]:

   down: small[y, x, s] = sum_{i, j, l} large[y * stride + i - padding, x * stride + j - padding, l] w[s, l, i, j]
   up:   large[n, m, l] = the sum of all small[y, x, s] w[s, l, i, j] with y * stride + i - padding = n, m alike

   A plain convolution is down and its gradient for the input is up; of a transposed one it is the other way round. */

#if defined(__AVX512F__)
#define WIDTH 16
#elif defined(__AVX__)
#define WIDTH 8
#else
#define WIDTH 4
#endif
#define PIXELS 6                /* with PANEL vectors their sums fill the registers */
#define PANEL 2                 /* vectors of channels that are summed at once */
#define GROUP (32 * 1024)       /* numbers of padded samples that are worked on at once, 128 KiB */
#define MOST 16                 /* samples of a group */
#define UNROLLED _Pragma("GCC unroll 8")
#define INLINE static inline __attribute__((always_inline))

typedef float vec __attribute__((vector_size(4 * WIDTH)));
typedef float loose __attribute__((vector_size(4 * WIDTH), aligned(4), may_alias));

/* Channels and sides of both images, and what joins them. */
typedef struct {
    int64_t small, large, small_h, small_w, large_h, large_w, kernel, stride, padding;
} Window;

/* A sample in its frame of zeros. */
typedef struct {
    int64_t front, height, width, channels, samples;
} Frame;

/* Windows that have the same weights: rows of taps, numbers in a row of them, and the place where each window begins. */
typedef struct {
    int64_t rows, run, by, pixels;
    float *weight;
    int64_t *from, *to;
} Pass;

/* Pixels at regular places in two images. */
typedef struct {
    int64_t count_h, count_w, from_h, from_w, from_step, to_h, to_w, to_step;
} Grid;

INLINE vec load(const float *from)
{
    return *(const loose *)from;
}

INLINE void store(float *to, vec value)
{
    *(loose *)to = value;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t whole_vectors(int64_t channels)
{
    return (channels + WIDTH - 1) / WIDTH * WIDTH;
}

static int64_t *take_places(float **from, int64_t count)
{
    return (int64_t *)take(from, 2 * count);
}

/* Frames */

static int64_t frame_size(const Frame *frame)
{
    return frame->height * frame->width * frame->channels;
}

static Frame framed(int64_t front, int64_t height, int64_t width, int64_t channels)
{
    Frame frame = {front, height, width, channels, 1};
    frame.samples = most(1, least(MOST, GROUP / most(1, frame_size(&frame))));
    return frame;
}

/* What the windows of the small image's pixels cover. */
static Frame around_large(const Window *w)
{
    int64_t height = (w->small_h - 1) * w->stride + w->kernel, width = (w->small_w - 1) * w->stride + w->kernel;
    return framed(w->padding, height, width, w->large);
}

/* Pixels n of the large image with n + padding = remainder (mod stride) have the taps remainder, remainder + stride, ...,
   of which the first meets the small image's pixel (n + padding - remainder) / stride and the next ones those before. */
static int64_t taps_of(const Window *w, int64_t remainder)
{
    return remainder < w->kernel ? (w->kernel - 1 - remainder) / w->stride + 1 : 0;
}

static int64_t first_of(const Window *w, int64_t remainder)
{
    int64_t first = (remainder - w->padding) % w->stride;
    return first < 0 ? first + w->stride : first;
}

static int64_t met_by_first(const Window *w, int64_t remainder)
{
    return (first_of(w, remainder) + w->padding - remainder) / w->stride;
}

static int64_t count_of(const Window *w, int64_t remainder, int64_t side)
{
    int64_t first = first_of(w, remainder);
    return first < side ? (side - 1 - first) / w->stride + 1 : 0;
}

static Frame around_small(const Window *w)
{
    int64_t front = 0, height = 0, width = 0;
    for (int64_t r = 0; r < w->stride; r++) {
        front = most(front, taps_of(w, r) - 1 - met_by_first(w, r));
        height = most(height, met_by_first(w, r) + count_of(w, r, w->large_h));
        width = most(width, met_by_first(w, r) + count_of(w, r, w->large_w));
    }
    return framed(front, front + height, front + width, w->small);
}

/* Copy samples [h, w, C] into frames; what no window reaches is left out. */
static void enframe(const Frame *frame, int64_t samples, int64_t h, int64_t w, const float *from, float *to)
{
    int64_t channels = frame->channels, line = frame->width * channels, before = frame->front * channels;
    int64_t rows = least(h, frame->height - frame->front), used = least(w * channels, line - before);
    memset(to, 0, samples * frame_size(frame) * sizeof *to);
    for (int64_t b = 0; b < samples; b++)
        for (int64_t y = 0; y < rows && used > 0; y++)
            memcpy(to + b * frame_size(frame) + (frame->front + y) * line + before, from + (b * h + y) * w * channels,
                   used * sizeof *to);
}

/* Weights */

/* Where weights [small, large, k, k] have an entry: strides of outputs and inputs; taps first + t * step. */
typedef struct {
    int64_t outputs, output_by, inputs, input_by, kernel, rows, columns, first_h, first_w, step;
} Taps;

/* In panels [taps, inputs, up to PANEL vectors of outputs]; for few outputs [outputs, taps, inputs]. */
static void pack(const Taps *t, const float *weight, float *to)
{
    int few = t->outputs <= NARROW;
    int64_t all = few ? t->outputs : whole_vectors(t->outputs), wide = few ? 1 : PANEL * WIDTH;
    for (int64_t panel = 0; panel < all; panel += wide) {
        int64_t lanes = least(wide, all - panel), tap = t->inputs * lanes;
        for (int64_t c = 0; c < t->inputs; c++)
            for (int64_t lane = 0; lane < lanes; lane++) {
                const float *own = weight + (panel + lane) * t->output_by + c * t->input_by;
                float *place = to + panel * t->rows * t->columns * t->inputs + c * lanes + lane;
                for (int64_t y = 0; y < t->rows; y++)
                    for (int64_t x = 0; x < t->columns; x++, place += tap)
                        *place = panel + lane < t->outputs
                                     ? own[(t->first_h + y * t->step) * t->kernel + t->first_w + x * t->step]
                                     : 0;
            }
    }
}

/* Sums */

/* Sum PIXELS windows for a panel of so many vectors; past the last window it is done again. */
INLINE void window_tile(const Pass *pass, int64_t first, int64_t count, int vectors, const float *weight,
                        const float *frames, float *result, int64_t outputs, int64_t panel)
{
    const float *at[PIXELS];
    vec sum[PIXELS][PANEL];
    UNROLLED for (int p = 0; p < PIXELS; p++) {
        at[p] = frames + pass->from[least(first + p, count - 1)];
        UNROLLED for (int v = 0; v < vectors; v++) sum[p][v] = (vec){0};
    }
    for (int64_t y = 0; y < pass->rows; y++) {
        for (int64_t i = 0; i < pass->run; i++, weight += vectors * WIDTH) {
            vec w[PANEL];
            UNROLLED for (int v = 0; v < vectors; v++) w[v] = load(weight + v * WIDTH);
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

static float added_up(vec value)
{
    float part[WIDTH];
    memcpy(part, &value, sizeof part);
    UNROLLED for (int half = WIDTH / 2; half > 0; half /= 2)
        UNROLLED for (int i = 0; i < half; i++) part[i] += part[i + half];
    return part[0];
}

/* Sum a few windows for few outputs: vectors lie along the run, and what is left of it is added one by one. */
INLINE void narrow_tile(const Pass *pass, int64_t first, int64_t count, int pixels, int outputs, const float *frames,
                        float *result)
{
    const float *at[PIXELS];
    vec sum[PIXELS][NARROW];
    float rest[PIXELS][NARROW] = {{0}};
    int64_t whole = pass->run / WIDTH * WIDTH, output_by = pass->rows * pass->run;
    UNROLLED for (int p = 0; p < pixels; p++) {
        at[p] = frames + pass->from[least(first + p, count - 1)];
        UNROLLED for (int o = 0; o < outputs; o++) sum[p][o] = (vec){0};
    }
    for (int64_t y = 0; y < pass->rows; y++) {
        const float *weight = pass->weight + y * pass->run;
        for (int64_t i = 0; i < whole; i += WIDTH)
            UNROLLED for (int p = 0; p < pixels; p++)
                UNROLLED for (int o = 0; o < outputs; o++)
                    sum[p][o] += load(at[p] + i) * load(weight + o * output_by + i);
        for (int64_t i = whole; i < pass->run; i++)
            UNROLLED for (int p = 0; p < pixels; p++)
                UNROLLED for (int o = 0; o < outputs; o++) rest[p][o] += at[p][i] * weight[o * output_by + i];
        UNROLLED for (int p = 0; p < pixels; p++) at[p] += pass->by;
    }
    UNROLLED for (int p = 0; p < pixels; p++)
        UNROLLED for (int o = 0; o < outputs; o++)
            result[pass->to[least(first + p, count - 1)] + o] = added_up(sum[p][o]) + rest[p][o];
}

static void narrow_sums(const Pass *pass, int64_t count, int64_t outputs, const float *frames, float *result)
{
    switch (outputs) {
    case 1:
        for (int64_t p = 0; p < count; p += PIXELS)
            narrow_tile(pass, p, count, PIXELS, 1, frames, result);
        break;
    case 2:
        for (int64_t p = 0; p < count; p += PIXELS)
            narrow_tile(pass, p, count, PIXELS, 2, frames, result);
        break;
    case 3:
        for (int64_t p = 0; p < count; p += PIXELS / 2)
            narrow_tile(pass, p, count, PIXELS / 2, 3, frames, result);
        break;
    default:
        for (int64_t p = 0; p < count; p += PIXELS / 2)
            narrow_tile(pass, p, count, PIXELS / 2, NARROW, frames, result);
    }
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

/* Name the places of all pixels of a group, sample by sample; to is [h, w, channels]. */
static void list_places(Pass *pass, const Grid *grid, const Frame *frame, int64_t h, int64_t w, int64_t channels)
{
    int64_t n = 0;
    for (int64_t b = 0; b < frame->samples; b++)
        for (int64_t y = 0; y < grid->count_h; y++)
            for (int64_t x = 0; x < grid->count_w; x++, n++) {
                int64_t row = grid->from_h + y * grid->from_step, column = grid->from_w + x * grid->from_step;
                pass->from[n] = b * frame_size(frame) + (row * frame->width + column) * frame->channels;
                row = b * h + grid->to_h + y * grid->to_step;
                pass->to[n] = (row * w + grid->to_w + x * grid->to_step) * channels;
            }
    pass->pixels = grid->count_h * grid->count_w;
    pass->by = frame->width * frame->channels;
}

static Pass planned(const Taps *taps, const Grid *grid, const Frame *frame, const float *weight, float **room)
{
    int64_t pixels = frame->samples * grid->count_h * grid->count_w, all = whole_vectors(taps->outputs);
    Pass pass = {.rows = taps->rows, .run = taps->columns * taps->inputs};
    pass.weight = take(room, taps->rows * pass.run * all);
    pass.from = take_places(room, pixels);
    pass.to = take_places(room, pixels);
    pack(taps, weight, pass.weight);
    return pass;
}

/* small becomes what its windows of large add up to. */
static void down(const Window *w, int64_t rows, const float *large, const float *weight, float *small, float *room)
{
    Frame frame = around_large(w);
    int64_t k = w->kernel, area = k * k, size = w->small_h * w->small_w * w->small;
    Taps taps = {w->small, w->large * area, w->large, area, k, k, k, 0, 0, 1};
    Grid grid = {w->small_h, w->small_w, 0, 0, w->stride, 0, 0, 1};
    Pass pass = planned(&taps, &grid, &frame, weight, &room);
    list_places(&pass, &grid, &frame, w->small_h, w->small_w, w->small);
    for (int64_t b = 0; b < rows; b += frame.samples) {
        int64_t samples = least(frame.samples, rows - b);
        enframe(&frame, samples, w->large_h, w->large_w, large + b * w->large_h * w->large_w * w->large, room);
        window_sums(&pass, samples * pass.pixels, w->small, room, small + b * size);
    }
}

/* large becomes what is spread from small: pixels with the same remainder are windows of stride 1 of small. */
static void up(const Window *w, int64_t rows, const float *small, const float *weight, float *large, float *room)
{
    Frame frame = around_small(w);
    int64_t s = w->stride, k = w->kernel, area = k * k, size = w->large_h * w->large_w * w->large;
    Pass passes[s * s];
    for (int64_t n = 0; n < s * s; n++) {
        int64_t y = n / s, x = n % s, high = taps_of(w, y), wide = taps_of(w, x);
        Taps taps = {w->large, area, w->small, w->large * area, k, high, wide, y + s * (high - 1), x + s * (wide - 1), -s};
        Grid grid = {count_of(w, y, w->large_h), count_of(w, x, w->large_w), met_by_first(w, y) - high + 1 + frame.front,
                     met_by_first(w, x) - wide + 1 + frame.front, 1, first_of(w, y), first_of(w, x), s};
        passes[n] = planned(&taps, &grid, &frame, weight, &room);
        list_places(passes + n, &grid, &frame, w->large_h, w->large_w, w->large);
    }
    for (int64_t b = 0; b < rows; b += frame.samples) {
        int64_t samples = least(frame.samples, rows - b);
        enframe(&frame, samples, w->small_h, w->small_w, small + b * w->small_h * w->small_w * w->small, room);
        for (int64_t n = 0; n < s * s; n++)
            window_sums(passes + n, samples * passes[n].pixels, w->large, room, large + b * size);
    }
}

/* The gradient of the weights */

/* Add to sum [run, vectors] the products of PIXELS numbers of a run with the small image's channels, over all windows. */
INLINE void outer_tile(const int64_t *from, int64_t count, int vectors, const float *frames, const float *small,
                       int64_t small_by, int64_t used, float *sum)
{
    vec part[PIXELS][PANEL];
    UNROLLED for (int i = 0; i < PIXELS; i++)
        UNROLLED for (int v = 0; v < vectors; v++) part[i][v] = (vec){0};
    for (int64_t p = 0; p < count; p++, small += small_by) {
        const float *at = frames + from[p]; /* past the run's end too: those sums are dropped */
        vec own[PANEL];
        UNROLLED for (int v = 0; v < vectors; v++) own[v] = load(small + v * WIDTH);
        UNROLLED for (int i = 0; i < PIXELS; i++)
            UNROLLED for (int v = 0; v < vectors; v++) part[i][v] += at[i] * own[v];
    }
    UNROLLED for (int i = 0; i < PIXELS; i++)
        if (i < used)
            UNROLLED for (int v = 0; v < vectors; v++) {
                float *to = sum + (i * vectors + v) * WIDTH;
                store(to, load(to) + part[i][v]);
            }
}

static void outer_sums(const Window *w, const Pass *pass, int64_t count, const float *frames, const float *small)
{
    int64_t all = whole_vectors(w->small);
    for (int64_t panel = 0; panel < all; panel += PANEL * WIDTH) {
        int64_t lanes = least(PANEL * WIDTH, all - panel);
        for (int64_t y = 0; y < pass->rows; y++)
            for (int64_t i = 0; i < pass->run; i += PIXELS) {
                float *sum = pass->weight + (panel * pass->rows + y * lanes) * pass->run + i * lanes;
                const float *at = frames + y * pass->by + i;
                if (lanes > WIDTH)
                    outer_tile(pass->from, count, PANEL, at, small + panel, all, pass->run - i, sum);
                else
                    outer_tile(pass->from, count, 1, at, small + panel, all, pass->run - i, sum);
            }
    }
}

/* Put sums in panels [small panel][i, j, large][lanes] where weights have them, [small, large, i, j]. */
static void unpack(const Window *w, const float *sums, float *weight)
{
    int64_t area = w->kernel * w->kernel, all = whole_vectors(w->small);
    for (int64_t s = 0; s < w->small; s++) {
        int64_t panel = s / (PANEL * WIDTH) * PANEL * WIDTH, lanes = least(PANEL * WIDTH, all - panel);
        const float *own = sums + panel * area * w->large + s - panel;
        for (int64_t l = 0; l < w->large; l++)
            for (int64_t tap = 0; tap < area; tap++)
                *weight++ = own[(tap * w->large + l) * lanes];
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
    Frame frame = around_large(w);
    int64_t k = w->kernel, pixels = w->small_h * w->small_w, all = whole_vectors(w->small);
    Grid grid = {w->small_h, w->small_w, 0, 0, w->stride, 0, 0, 1};
    Pass pass = {.rows = k, .run = k * w->large};
    pass.weight = take(&room, k * pass.run * all);
    pass.from = take_places(&room, frame.samples * pixels);
    pass.to = take_places(&room, frame.samples * pixels);
    list_places(&pass, &grid, &frame, w->small_h, w->small_w, w->small);
    float *wide = w->small % WIDTH ? take(&room, frame.samples * pixels * all) : NULL;
    memset(pass.weight, 0, k * pass.run * all * sizeof(float));
    for (int64_t b = 0; b < rows; b += frame.samples) {
        int64_t samples = least(frame.samples, rows - b);
        const float *own = small + b * pixels * w->small;
        enframe(&frame, samples, w->large_h, w->large_w, large + b * w->large_h * w->large_w * w->large, room);
        if (wide)
            widen(samples * pixels, w->small, own, wide);
        outer_sums(w, &pass, samples * pixels, room, wide ? wide : own);
    }
    unpack(w, pass.weight, for_weight);
}

/* Numbers that any of the three needs room for. */
static int64_t window_room(const Window *w)
{
    Frame large = around_large(w), small = around_small(w);
    int64_t pixels = w->small_h * w->small_w, passes = w->stride * w->stride;
    int64_t weights = w->kernel * w->kernel * most(whole_vectors(w->small) * w->large, whole_vectors(w->large) * w->small);
    int64_t places = 4 * most(large.samples * pixels, small.samples * w->large_h * w->large_w);
    int64_t wide = large.samples * pixels * whole_vectors(w->small);
    int64_t frames = most(large.samples * frame_size(&large), small.samples * frame_size(&small));
    return weights + places + wide + frames + 3 * passes * LANES + 4 * LANES;
}
