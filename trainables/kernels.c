/* Batch norm and activation of a stack of fully connected layers, forward and backward, in two or three passes that
   stay in a core's own cache. Arrays are contiguous float32: values [R, B, C], what belongs to a channel [R, C].

   The statistics of a channel are summed in double precision over blocks of rows that are summed in single. */

#include <math.h>
#include <stdint.h>
#include <string.h>

#define ROWS 16
#define WIDEST 4096

enum { NONE = 0, TANH = 1, LEAKY = 2, RELU = 3 };

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
void plain_forward(int64_t replicas, int64_t rows, int64_t columns, const float *bias, int activation, float slope, float *x)
{
    for (int64_t r = 0; r < replicas; r++) {
        float *own = x + r * rows * columns;
        if (bias)
            for (int64_t b = 0; b < rows; b++)
                for (int64_t c = 0; c < columns; c++)
                    own[b * columns + c] += bias[r * columns + c];
        activate(rows * columns, activation, slope, own);
    }
}

/* y = activation((x - mean) * deviation * scale + offset), where deviation is 1 / sqrt(variance + eps). */
void norm_forward(int64_t replicas, int64_t rows, int64_t columns, const float *x, const float *scale, const float *offset,
                  double eps, int activation, float slope, float *y, float *mean, float *deviation)
{
    double sums[WIDEST];
    float factor[WIDEST], term[WIDEST];
    for (int64_t r = 0; r < replicas; r++) {
        const float *own = x + r * rows * columns;
        float *made = y + r * rows * columns, *middle = mean + r * columns, *inverse = deviation + r * columns;
        column_sums(rows, columns, own, NULL, 0, sums);
        for (int64_t c = 0; c < columns; c++)
            middle[c] = (float)(sums[c] / rows);
        column_sums(rows, columns, own, middle, 1, sums);
        for (int64_t c = 0; c < columns; c++) {
            inverse[c] = (float)(1.0 / sqrt(sums[c] / rows + eps));
            factor[c] = inverse[c] * (scale ? scale[r * columns + c] : 1.0f);
            term[c] = offset ? offset[r * columns + c] : 0.0f;
        }
        for (int64_t b = 0; b < rows; b++) {
            float *row = made + b * columns;
            for (int64_t c = 0; c < columns; c++)
                row[c] = (own[b * columns + c] - middle[c]) * factor[c] + term[c];
            activate(columns, activation, slope, row);
        }
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

void plain_backward(int64_t replicas, int64_t rows, int64_t columns, const float *g, const float *y, int activation,
                    float slope, float *out, float *for_bias)
{
    double sums[WIDEST];
    for (int64_t r = 0; r < replicas; r++) {
        int64_t at = r * rows * columns;
        for (int64_t b = 0; b < rows; b++)
            through(columns, g + at + b * columns, y + at + b * columns, activation, slope, out + at + b * columns);
        if (for_bias) {
            column_sums(rows, columns, out + at, NULL, 0, sums);
            for (int64_t c = 0; c < columns; c++)
                for_bias[r * columns + c] = (float)sums[c];
        }
    }
}

/* With z the gradient behind the norm and n = (x - mean) * deviation:
   out = scale * deviation * (z - mean(z) - n * mean(z n)); for_scale = sum(z n), for_offset = sum(z). */
void norm_backward(int64_t replicas, int64_t rows, int64_t columns, const float *g, const float *y, const float *x,
                   const float *scale, const float *mean, const float *deviation, int activation, float slope, float *out,
                   float *for_scale, float *for_offset, float *for_bias)
{
    double along[WIDEST], plain[WIDEST];
    float part[WIDEST], other[WIDEST], factor[WIDEST], level[WIDEST], tilt[WIDEST];
    for (int64_t r = 0; r < replicas; r++) {
        int64_t at = r * rows * columns;
        const float *middle = mean + r * columns, *inverse = deviation + r * columns;
        for (int64_t c = 0; c < columns; c++)
            along[c] = plain[c] = 0;
        for (int64_t first = 0; first < rows; first += ROWS) {
            int64_t end = first + ROWS < rows ? first + ROWS : rows;
            for (int64_t c = 0; c < columns; c++)
                part[c] = other[c] = 0;
            for (int64_t b = first; b < end; b++) {
                float *row = out + at + b * columns;
                const float *own = x + at + b * columns;
                through(columns, g + at + b * columns, y + at + b * columns, activation, slope, row);
                for (int64_t c = 0; c < columns; c++) {
                    part[c] += row[c];
                    other[c] += row[c] * (own[c] - middle[c]);
                }
            }
            for (int64_t c = 0; c < columns; c++) {
                plain[c] += part[c];
                along[c] += other[c];
            }
        }
        for (int64_t c = 0; c < columns; c++) {
            double sum = along[c] * inverse[c];
            factor[c] = inverse[c] * (scale ? scale[r * columns + c] : 1.0f);
            level[c] = (float)(plain[c] / rows);
            tilt[c] = (float)(sum / rows * inverse[c]);
            if (for_scale)
                for_scale[r * columns + c] = (float)sum;
            if (for_offset)
                for_offset[r * columns + c] = (float)plain[c];
        }
        for (int64_t b = 0; b < rows; b++) {
            float *row = out + at + b * columns;
            const float *own = x + at + b * columns;
            for (int64_t c = 0; c < columns; c++)
                row[c] = (row[c] - level[c] - (own[c] - middle[c]) * tilt[c]) * factor[c];
        }
        if (for_bias) {
            column_sums(rows, columns, out + at, NULL, 0, plain);
            for (int64_t c = 0; c < columns; c++)
                for_bias[r * columns + c] = (float)plain[c];
        }
    }
}
