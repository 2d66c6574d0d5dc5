/* What follows a map, forward and backward: bias or batch norm, and an activation. Values are rows [B, C]; of images the
   pixels are rows too.

   The statistics of a channel are summed in double precision over blocks of rows that are summed in single. */

#define ROWS 16
#define FOLDED 256

enum { NONE = 0, TANH = 1, LEAKY = 2, RELU = 3 };

/* Rows of C channels as fewer rows that have every channel several times: short rows are slow. */
static int64_t fold(int64_t *rows, int64_t *columns)
{
    int64_t copies = 1;
    for (; *rows % 2 == 0 && *columns * 2 <= FOLDED; copies *= 2) {
        *rows /= 2;
        *columns *= 2;
    }
    return copies;
}

static void add_copies(int64_t channels, int64_t copies, double *sums)
{
    for (int64_t copy = 1; copy < copies; copy++)
        for (int64_t c = 0; c < channels; c++)
            sums[c] += sums[copy * channels + c];
}

static void repeat(int64_t channels, int64_t copies, float *values)
{
    for (int64_t copy = 1; copy < copies; copy++)
        memcpy(values + copy * channels, values, channels * sizeof *values);
}

/* exp(x) for x <= 0: relative error below 2e-7, 0 below -87. NaN stays NaN. */
static inline float exp_of_negative(float x)
{
    float bounded = x < -87.0f ? -87.0f : x;
    float n = rintf(bounded * 1.44269504089f);
    float r = bounded - n * 0.693359375f + n * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    int32_t exponent = ((int32_t)n + 127) << 23;
    float power;
    memcpy(&power, &exponent, sizeof power);
    return p * power;
}

static inline float tanh_of(float x)
{
    float e = exp_of_negative(-2.0f * fabsf(x));
    return copysignf((1.0f - e) / (1.0f + e), x);
}

static void activate(int64_t count, int activation, float slope, float *y)
{
    if (activation == TANH)
        for (int64_t i = 0; i < count; i++)
            y[i] = tanh_of(y[i]);
    else if (activation == LEAKY)
        for (int64_t i = 0; i < count; i++)
            y[i] = y[i] > 0 ? y[i] : slope * y[i];
    else if (activation == RELU) /* not by a slope of 0, which makes NaN of -infinity; NaN stays NaN */
        for (int64_t i = 0; i < count; i++)
            y[i] = y[i] <= 0 ? 0 : y[i];
}

/* sums[c] = sum_b f(b, c), where f is (x - shift)^power. */
static void column_sums(int64_t rows, int64_t columns, const float *x, const float *shift, int square, double *sums)
{
    float part[WIDEST];
    for (int64_t c = 0; c < columns; c++)
        sums[c] = 0;
    for (int64_t first = 0; first < rows; first += ROWS) {
        int64_t end = first + ROWS < rows ? first + ROWS : rows;
        for (int64_t c = 0; c < columns; c++)
            part[c] = 0;
        for (int64_t b = first; b < end; b++) {
            const float *row = x + b * columns;
            if (square)
                for (int64_t c = 0; c < columns; c++)
                    part[c] += (row[c] - shift[c]) * (row[c] - shift[c]);
            else
                for (int64_t c = 0; c < columns; c++)
                    part[c] += row[c];
        }
        for (int64_t c = 0; c < columns; c++)
            sums[c] += part[c];
    }
}

/* y = activation(x + bias), in place. */
static void plain_forward(int64_t rows, int64_t columns, int64_t copies, const float *bias, int activation, float slope,
                          float *x)
{
    float term[WIDEST];
    if (bias) {
        memcpy(term, bias, columns / copies * sizeof *bias);
        repeat(columns / copies, copies, term);
        for (int64_t b = 0; b < rows; b++)
            for (int64_t c = 0; c < columns; c++)
                x[b * columns + c] += term[c];
    }
    activate(rows * columns, activation, slope, x);
}

/* y = activation((x - mean) * deviation * scale + offset), where deviation is 1 / sqrt(variance + eps). */
static void norm_forward(int64_t rows, int64_t columns, int64_t copies, const float *x, const float *scale,
                         const float *offset, double eps, int activation, float slope, float *y, float *mean,
                         float *deviation)
{
    double sums[WIDEST], count = (double)rows * copies;
    float level[WIDEST], factor[WIDEST], term[WIDEST];
    int64_t channels = columns / copies;
    column_sums(rows, columns, x, NULL, 0, sums);
    add_copies(channels, copies, sums);
    for (int64_t c = 0; c < channels; c++)
        level[c] = mean[c] = (float)(sums[c] / count);
    repeat(channels, copies, level);
    column_sums(rows, columns, x, level, 1, sums);
    add_copies(channels, copies, sums);
    for (int64_t c = 0; c < channels; c++) {
        deviation[c] = (float)(1.0 / sqrt(sums[c] / count + eps));
        factor[c] = deviation[c] * (scale ? scale[c] : 1.0f);
        term[c] = offset ? offset[c] : 0.0f;
    }
    repeat(channels, copies, factor);
    repeat(channels, copies, term);
    for (int64_t b = 0; b < rows; b++) {
        float *row = y + b * columns;
        for (int64_t c = 0; c < columns; c++)
            row[c] = (x[b * columns + c] - level[c]) * factor[c] + term[c];
        activate(columns, activation, slope, row);
    }
}

/* out = g * activation'(.), from the activation's result y. */
static void through(int64_t count, const float *g, const float *y, int activation, float slope, float *out)
{
    if (activation == TANH)
        for (int64_t i = 0; i < count; i++)
            out[i] = g[i] * (1.0f - y[i] * y[i]);
    else if (activation == LEAKY)
        for (int64_t i = 0; i < count; i++)
            out[i] = y[i] > 0 ? g[i] : slope * g[i];
    else if (activation == RELU)
        for (int64_t i = 0; i < count; i++)
            out[i] = y[i] <= 0 ? 0 : g[i];
    else
        memcpy(out, g, count * sizeof *out);
}

static void bias_backward(int64_t rows, int64_t columns, int64_t copies, const float *g, float *for_bias)
{
    double sums[WIDEST];
    if (!for_bias)
        return;
    column_sums(rows, columns, g, NULL, 0, sums);
    add_copies(columns / copies, copies, sums);
    for (int64_t c = 0; c < columns / copies; c++)
        for_bias[c] = (float)sums[c];
}

/* With z the gradient behind the norm and n = (x - mean) * deviation:
   out = scale * deviation * (z - mean(z) - n * mean(z n)); for_scale = sum(z n), for_offset = sum(z). */
static void norm_backward(int64_t rows, int64_t columns, int64_t copies, const float *g, const float *y, const float *x,
                          const float *scale, const float *mean, const float *deviation, int activation, float slope,
                          float *out, float *for_scale, float *for_offset)
{
    double along[WIDEST], plain[WIDEST], count = (double)rows * copies;
    float part[WIDEST], other[WIDEST], center[WIDEST], factor[WIDEST], level[WIDEST], tilt[WIDEST];
    int64_t channels = columns / copies;
    memcpy(center, mean, channels * sizeof *mean);
    repeat(channels, copies, center);
    for (int64_t c = 0; c < columns; c++)
        along[c] = plain[c] = 0;
    for (int64_t first = 0; first < rows; first += ROWS) {
        int64_t end = first + ROWS < rows ? first + ROWS : rows;
        for (int64_t c = 0; c < columns; c++)
            part[c] = other[c] = 0;
        for (int64_t b = first; b < end; b++) {
            float *row = out + b * columns;
            const float *own = x + b * columns;
            through(columns, g + b * columns, y + b * columns, activation, slope, row);
            for (int64_t c = 0; c < columns; c++) {
                part[c] += row[c];
                other[c] += row[c] * (own[c] - center[c]);
            }
        }
        for (int64_t c = 0; c < columns; c++) {
            plain[c] += part[c];
            along[c] += other[c];
        }
    }
    add_copies(channels, copies, plain);
    add_copies(channels, copies, along);
    for (int64_t c = 0; c < channels; c++) {
        double sum = along[c] * deviation[c];
        factor[c] = deviation[c] * (scale ? scale[c] : 1.0f);
        level[c] = (float)(plain[c] / count);
        tilt[c] = (float)(sum / count * deviation[c]);
        if (for_scale)
            for_scale[c] = (float)sum;
        if (for_offset)
            for_offset[c] = (float)plain[c];
    }
    repeat(channels, copies, factor);
    repeat(channels, copies, level);
    repeat(channels, copies, tilt);
    for (int64_t b = 0; b < rows; b++) {
        float *row = out + b * columns;
        const float *own = x + b * columns;
        for (int64_t c = 0; c < columns; c++)
            row[c] = (row[c] - level[c] - (own[c] - center[c]) * tilt[c]) * factor[c];
    }
}
