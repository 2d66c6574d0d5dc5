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
#define GROUP (50 * 1024)       /* numbers of framed samples that are worked on at once, 200 KiB */
#define MOST (2 * PIXELS)       /* samples of a group */
#define UNROLLED _Pragma("GCC unroll 8")
#define INLINE static inline __attribute__((always_inline))

typedef float vec __attribute__((vector_size(4 * WIDTH)));
typedef float loose __attribute__((vector_size(4 * WIDTH), aligned(4), may_alias));

/* Channels and sides of both images, and what joins them. */
typedef struct {
    int64_t small, large, small_h, small_w, large_h, large_w, kernel, stride, padding;
} Window;

/* A sample [h, w, C] in its frame of zeros. */
typedef struct {
    int64_t h, w, channels, front, height, width, samples;
} Frame;

/* From first on and before end. */
typedef struct {
    int64_t first, end;
} Range;

/* The taps that meet more than the frame in some of PIXELS windows: rows of them, and numbers in a row. */
typedef struct {
    Range rows, run;
} Reach;

/* Windows that have the same weights: rows of taps, numbers in a row of them, and the places where each window begins and
   where its sum goes. The windows at one place of all samples lie together, so that they meet the frame alike. */
typedef struct {
    int64_t rows, run, by, pixels;
    float *weight;
    int64_t *from, *to;
    Reach *reach;
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

static Frame framed(int64_t h, int64_t w, int64_t channels, int64_t front, int64_t height, int64_t width)
{
    Frame frame = {h, w, channels, front, height, width, 1};
    frame.samples = most(1, least(MOST, GROUP / most(1, frame_size(&frame))));
    if (frame.samples > PIXELS)
        frame.samples -= frame.samples % PIXELS;
    return frame;
}

/* What the windows of the small image's pixels cover. */
static Frame around_large(const Window *w)
{
    int64_t height = (w->small_h - 1) * w->stride + w->kernel, width = (w->small_w - 1) * w->stride + w->kernel;
    return framed(w->large_h, w->large_w, w->large, w->padding, height, width);
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
    return framed(w->small_h, w->small_w, w->small, front, front + height, front + width);
}

/* Copy samples into frames; what no window reaches is left out. */
static void enframe(const Frame *f, int64_t samples, const float *from, float *to)
{
    int64_t line = f->width * f->channels, before = f->front * f->channels;
    int64_t rows = least(f->h, f->height - f->front), used = least(f->w * f->channels, line - before);
    memset(to, 0, samples * frame_size(f) * sizeof *to);
    for (int64_t b = 0; b < samples; b++)
        for (int64_t y = 0; y < rows && used > 0; y++)
            memcpy(to + b * frame_size(f) + (f->front + y) * line + before, from + (b * f->h + y) * f->w * f->channels,
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
        int64_t lanes = least(wide, all - panel), used = least(lanes, t->outputs - panel);
        float *place = to + panel * t->rows * t->columns * t->inputs;
        for (int64_t c = 0; c < t->inputs; c++)
            for (int64_t tap = 0; tap < t->rows * t->columns; tap++) {
                int64_t y = t->first_h + tap / t->columns * t->step, x = t->first_w + tap % t->columns * t->step;
                const float *own = weight + panel * t->output_by + c * t->input_by + y * t->kernel + x;
                float *row = place + (tap * t->inputs + c) * lanes;
                for (int64_t lane = 0; lane < used; lane++)
                    row[lane] = own[lane * t->output_by];
                for (int64_t lane = used; lane < lanes; lane++)
                    row[lane] = 0;
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
    float rest[PIXELS][NARROW] = {{0}};
    int64_t output_by = pass->rows * pass->run;
    Reach reach = pass->reach[first / PIXELS];
    int64_t whole = reach.run.end - (reach.run.end - reach.run.first) % WIDTH;
    UNROLLED for (int p = 0; p < pixels; p++) {
        at[p] = frames + pass->from[least(first + p, count - 1)] + reach.rows.first * pass->by;
        UNROLLED for (int o = 0; o < outputs; o++) sum[p][o] = (vec){0};
    }
    for (int64_t y = reach.rows.first; y < reach.rows.end; y++) {
        const float *weight = pass->weight + y * pass->run;
        for (int64_t i = reach.run.first; i < whole; i += WIDTH)
            UNROLLED for (int p = 0; p < pixels; p++)
                UNROLLED for (int o = 0; o < outputs; o++)
                    sum[p][o] += load(at[p] + i) * load(weight + o * output_by + i);
        for (int64_t i = whole; i < reach.run.end; i++)
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

/* Taps [0, taps) of a window that begins at a place of the frame, without those that meet the frame alone. */
static Range inside(int64_t begin, int64_t taps, int64_t front, int64_t side)
{
    Range found = {most(0, front - begin), least(taps, front + side - begin)};
    return found;
}

static void widen_range(Range *range, Range more)
{
    range->first = least(range->first, more.first);
    range->end = most(range->end, more.end);
}

/* Name the places of all pixels of so many samples; results are [h, w, channels]. */
static void list_places(Pass *pass, const Grid *grid, const Frame *frame, int64_t samples, int64_t h, int64_t w,
                        int64_t channels)
{
    int64_t n = 0, columns = pass->run / frame->channels;
    for (int64_t y = 0; y < grid->count_h; y++)
        for (int64_t x = 0; x < grid->count_w; x++) {
            int64_t row = grid->from_h + y * grid->from_step, column = grid->from_w + x * grid->from_step;
            int64_t to = (grid->to_h + y * grid->to_step) * w + grid->to_w + x * grid->to_step;
            Range rows = inside(row, pass->rows, frame->front, frame->h);
            Range run = inside(column, columns, frame->front, frame->w);
            run.first *= frame->channels;
            run.end *= frame->channels;
            for (int64_t b = 0; b < samples; b++, n++) {
                Reach *reach = pass->reach + n / PIXELS;
                if (n % PIXELS == 0)
                    reach->rows = rows, reach->run = run;
                widen_range(&reach->rows, rows);
                widen_range(&reach->run, run);
                pass->from[n] = b * frame_size(frame) + (row * frame->width + column) * frame->channels;
                pass->to[n] = (b * h * w + to) * channels;
            }
        }
    pass->pixels = n;
}

static Pass planned(const Taps *taps, const Grid *grid, const Frame *frame, const float *weight, float **room)
{
    int64_t pixels = frame->samples * grid->count_h * grid->count_w, all = whole_vectors(taps->outputs);
    Pass pass = {.rows = taps->rows, .run = taps->columns * taps->inputs, .by = frame->width * frame->channels};
    pass.weight = take(room, taps->rows * pass.run * all);
    pass.from = take_places(room, pixels);
    pass.to = take_places(room, pixels);
    pass.reach = (Reach *)take_places(room, (pixels / PIXELS + 1) * (sizeof(Reach) / sizeof(int64_t)));
    if (weight)
        pack(taps, weight, pass.weight);
    return pass;
}

/* The pixels of the small image, with the windows of the large one that they see. */
static Grid seen(const Window *w)
{
    Grid grid = {w->small_h, w->small_w, 0, 0, w->stride, 0, 0, 1};
    return grid;
}

static Taps all_taps(const Window *w)
{
    int64_t k = w->kernel;
    Taps taps = {w->small, w->large * k * k, w->large, k * k, k, k, k, 0, 0, 1};
    return taps;
}

/* small becomes what its windows of large add up to. */
static void down(const Window *w, int64_t rows, const float *large, const float *weight, float *small, float *room)
{
    Frame frame = around_large(w);
    Taps taps = all_taps(w);
    Grid grid = seen(w);
    Pass pass = planned(&taps, &grid, &frame, weight, &room);
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
        Taps taps = {w->large, area, w->small, w->large * area, k, high, wide, y + s * (high - 1), x + s * (wide - 1), -s};
        Grid grid = {count_of(w, y, w->large_h), count_of(w, x, w->large_w), met_by_first(w, y) - high + 1 + frame.front,
                     met_by_first(w, x) - wide + 1 + frame.front, 1, first_of(w, y), first_of(w, x), s};
        grids[n] = grid;
        passes[n] = planned(&taps, &grid, &frame, weight, &room);
    }
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
                    outer_tile(&at, PANEL, own, small + panel, used, sum);
                else
                    outer_tile(&at, 1, own, small + panel, used, sum);
            }
        }
    }
}

/* Put sums in panels [small panel][i, j, large][lanes] where weights have them, [small, large, i, j]. */
static void unpack(const Window *w, const float *sums, float *weight)
{
    int64_t area = w->kernel * w->kernel, all = whole_vectors(w->small);
    for (int64_t panel = 0; panel < all; panel += PANEL * WIDTH) {
        int64_t lanes = least(PANEL * WIDTH, all - panel), used = least(lanes, w->small - panel);
        for (int64_t l = 0; l < w->large; l++)
            for (int64_t tap = 0; tap < area; tap++) {
                const float *own = sums + panel * area * w->large + (tap * w->large + l) * lanes;
                for (int64_t lane = 0; lane < used; lane++)
                    weight[((panel + lane) * w->large + l) * area + tap] = own[lane];
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
    Frame frame = around_large(w);
    Taps taps = all_taps(w);
    Grid grid = seen(w);
    Pass pass = planned(&taps, &grid, &frame, NULL, &room);
    int64_t pixels = w->small_h * w->small_w, all = whole_vectors(w->small);
    float *wide = w->small % WIDTH ? take(&room, frame.samples * pixels * all) : NULL;
    memset(pass.weight, 0, pass.rows * pass.run * all * sizeof(float));
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
    Frame large = around_large(w), small = around_small(w);
    int64_t pixels = w->small_h * w->small_w, passes = w->stride * w->stride;
    int64_t weights = w->kernel * w->kernel * most(whole_vectors(w->small) * w->large, whole_vectors(w->large) * w->small);
    int64_t listed = most(large.samples * pixels, small.samples * w->large_h * w->large_w);
    int64_t wide = large.samples * pixels * whole_vectors(w->small);
    int64_t frames = most(large.samples * frame_size(&large), small.samples * frame_size(&small));
    int64_t places = 4 * listed + 8 * (listed / PIXELS + passes);
    return weights + places + wide + frames + 4 * passes * LANES + 2 * LANES;
}
