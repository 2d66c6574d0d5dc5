/* What sums over windows read: samples in frames of zeros, places of windows in them, and weights in the order in which
   the sums take them. */

#if defined(__AVX512F__)
#define WIDTH 16
#elif defined(__AVX__)
#define WIDTH 8
#else
#define WIDTH 4
#endif
#define PIXELS 6                /* with PANEL vectors their sums fill the registers */
#define PANEL 2                 /* vectors of channels that are summed at once */
#define GROUP (72 * 1024)       /* numbers of framed samples that are worked on at once, 288 KiB */
#define MOST (2 * PIXELS)       /* samples of a group, so many at most */
#define LEAST 192               /* pixels of a group, so many at least: weights serve all of them */
#define MANY 16                 /* times as many numbers, and MANY * MANY windows, for the gradient of weights */

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
    frame.samples = least(MOST, most((LEAST + h * w - 1) / (h * w), GROUP / most(1, frame_size(&frame))));
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

/* The same for more samples: sums over many windows pay for fetching what they are added to. */
static Frame around_many(const Window *w)
{
    Frame frame = around_large(w);
    int64_t fitting = MANY * GROUP / most(1, frame_size(&frame));
    frame.samples = most(frame.samples, least(fitting, MANY * MANY / (w->small_h * w->small_w)));
    return frame;
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

static void clear(const Frame *f, float *frames)
{
    memset(frames, 0, f->samples * frame_size(f) * sizeof *frames);
}

/* Copy samples into frames that have been cleared once; what no window reaches is left out. */
static void enframe(const Frame *f, int64_t samples, const float *from, float *to)
{
    int64_t line = f->width * f->channels, before = f->front * f->channels;
    int64_t rows = least(f->h, f->height - f->front), used = least(f->w * f->channels, line - before);
    for (int64_t b = 0; b < samples; b++)
        for (int64_t y = 0; y < rows && used > 0; y++)
            memcpy(to + b * frame_size(f) + (f->front + y) * line + before, from + (b * f->h + y) * f->w * f->channels,
                   used * sizeof *to);
}

/* Weights, from and to the order [small, large, k, k] */

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

/* Places */

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
