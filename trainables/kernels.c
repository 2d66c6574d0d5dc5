/* Chains of fully connected layers with batch norm and activation, forward and backward, replica by replica, so that
   what a layer leaves is still in the core's own cache when the next one reads it. Arrays are contiguous float32: values
   [B, C] of each replica behind those of the one before, weights [out, in], what belongs to a channel [C].

   Products are sgemm's, of whatever library torch has, but for those with a side of at most NARROW, which sgemm is slow
   at. The statistics of a channel are summed in double precision over blocks of rows that are summed in single. */

#include <math.h>
#include <stdint.h>
#include <string.h>

#define ROWS 16
#define WIDEST 4096
#define NARROW 4
#define LANES 16

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
static void plain_forward(int64_t rows, int64_t columns, const float *bias, int activation, float slope, float *x)
{
    if (bias)
        for (int64_t b = 0; b < rows; b++)
            for (int64_t c = 0; c < columns; c++)
                x[b * columns + c] += bias[c];
    activate(rows * columns, activation, slope, x);
}

/* y = activation((x - mean) * deviation * scale + offset), where deviation is 1 / sqrt(variance + eps). */
static void norm_forward(int64_t rows, int64_t columns, const float *x, const float *scale, const float *offset, double eps,
                         int activation, float slope, float *y, float *mean, float *deviation)
{
    double sums[WIDEST];
    float factor[WIDEST], term[WIDEST];
    column_sums(rows, columns, x, NULL, 0, sums);
    for (int64_t c = 0; c < columns; c++)
        mean[c] = (float)(sums[c] / rows);
    column_sums(rows, columns, x, mean, 1, sums);
    for (int64_t c = 0; c < columns; c++) {
        deviation[c] = (float)(1.0 / sqrt(sums[c] / rows + eps));
        factor[c] = deviation[c] * (scale ? scale[c] : 1.0f);
        term[c] = offset ? offset[c] : 0.0f;
    }
    for (int64_t b = 0; b < rows; b++) {
        float *row = y + b * columns;
        for (int64_t c = 0; c < columns; c++)
            row[c] = (x[b * columns + c] - mean[c]) * factor[c] + term[c];
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

static void plain_backward(int64_t rows, int64_t columns, const float *g, const float *y, int activation, float slope,
                           float *out, float *for_bias)
{
    double sums[WIDEST];
    through(rows * columns, g, y, activation, slope, out);
    if (for_bias) {
        column_sums(rows, columns, out, NULL, 0, sums);
        for (int64_t c = 0; c < columns; c++)
            for_bias[c] = (float)sums[c];
    }
}

/* With z the gradient behind the norm and n = (x - mean) * deviation:
   out = scale * deviation * (z - mean(z) - n * mean(z n)); for_scale = sum(z n), for_offset = sum(z). */
static void norm_backward(int64_t rows, int64_t columns, const float *g, const float *y, const float *x,
                          const float *scale, const float *mean, const float *deviation, int activation, float slope,
                          float *out, float *for_scale, float *for_offset, float *for_bias)
{
    double along[WIDEST], plain[WIDEST];
    float part[WIDEST], other[WIDEST], factor[WIDEST], level[WIDEST], tilt[WIDEST];
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
                other[c] += row[c] * (own[c] - mean[c]);
            }
        }
        for (int64_t c = 0; c < columns; c++) {
            plain[c] += part[c];
            along[c] += other[c];
        }
    }
    for (int64_t c = 0; c < columns; c++) {
        double sum = along[c] * deviation[c];
        factor[c] = deviation[c] * (scale ? scale[c] : 1.0f);
        level[c] = (float)(plain[c] / rows);
        tilt[c] = (float)(sum / rows * deviation[c]);
        if (for_scale)
            for_scale[c] = (float)sum;
        if (for_offset)
            for_offset[c] = (float)plain[c];
    }
    for (int64_t b = 0; b < rows; b++) {
        float *row = out + b * columns;
        const float *own = x + b * columns;
        for (int64_t c = 0; c < columns; c++)
            row[c] = (row[c] - level[c] - (own[c] - mean[c]) * tilt[c]) * factor[c];
    }
    if (for_bias) {
        column_sums(rows, columns, out, NULL, 0, plain);
        for (int64_t c = 0; c < columns; c++)
            for_bias[c] = (float)plain[c];
    }
}

/* The Fortran interface of BLAS: matrices by columns, so that ours are their own transposes. */
typedef void (*gemm_t)(const char *, const char *, const int *, const int *, const int *, const float *, const float *,
                       const int *, const float *, const int *, const float *, float *, const int *);

static void gemm(gemm_t call, char a_is, char b_is, int64_t m, int64_t n, int64_t k, const float *a, int64_t a_by,
                 const float *b, int64_t b_by, float *c)
{
    int sizes[] = {(int)m, (int)n, (int)k, (int)a_by, (int)b_by};
    float one = 1, zero = 0;
    call(&a_is, &b_is, sizes, sizes + 1, sizes + 2, &one, a, sizes + 3, b, sizes + 4, &zero, c, sizes);
}

/* Products with a narrow side n, along the wide side m: w is [n, m], a is [rows, n], wide is [rows, m]. */

/* out[b, j] = sum_i wide[b, i] w[j, i] */
static void gather(int64_t rows, int64_t n, int64_t m, const float *wide, const float *w, float *out)
{
    for (int64_t b = 0; b < rows; b++)
        for (int64_t j = 0; j < n; j++) {
            const float *left = wide + b * m, *right = w + j * m;
            float part[LANES] = {0}, sum = 0;
            int64_t i = 0;
            for (; i + LANES <= m; i += LANES)
                for (int k = 0; k < LANES; k++)
                    part[k] += left[i + k] * right[i + k];
            for (int k = 0; k < LANES; k++)
                sum += part[k];
            for (; i < m; i++)
                sum += left[i] * right[i];
            out[b * n + j] = sum;
        }
}

/* out[b, i] = sum_j a[b, j] w[j, i] */
static void spread(int64_t rows, int64_t n, int64_t m, const float *a, const float *w, float *out)
{
    for (int64_t b = 0; b < rows; b++) {
        float *row = out + b * m;
        for (int64_t i = 0; i < m; i++)
            row[i] = a[b * n] * w[i];
        for (int64_t j = 1; j < n; j++)
            for (int64_t i = 0; i < m; i++)
                row[i] += a[b * n + j] * w[j * m + i];
    }
}

/* out[j, i] = sum_b a[b, j] wide[b, i] */
static void outer(int64_t rows, int64_t n, int64_t m, const float *a, const float *wide, float *out)
{
    memset(out, 0, n * m * sizeof *out);
    for (int64_t b = 0; b < rows; b++)
        for (int64_t j = 0; j < n; j++)
            for (int64_t i = 0; i < m; i++)
                out[j * m + i] += a[b * n + j] * wide[b * m + i];
}

static void transpose(int64_t rows, int64_t columns, const float *from, float *to)
{
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++)
            to[j * rows + i] = from[i * columns + j];
}

/* y[b, o] = sum_i x[b, i] w[o, i] */
static void product(gemm_t call, int64_t rows, int64_t in, int64_t out, const float *x, const float *w, float *y)
{
    float turned[NARROW * WIDEST];
    if (out <= NARROW)
        gather(rows, out, in, x, w, y);
    else if (in <= NARROW) {
        transpose(out, in, w, turned);
        spread(rows, in, out, x, turned, y);
    } else
        gemm(call, 'T', 'N', out, rows, in, w, in, x, in, y);
}

/* for_w[o, i] = sum_b g[b, o] x[b, i] */
static void product_for_weight(gemm_t call, int64_t rows, int64_t in, int64_t out, const float *g, const float *x,
                               float *for_w)
{
    float turned[NARROW * WIDEST];
    if (out <= NARROW)
        outer(rows, out, in, g, x, for_w);
    else if (in <= NARROW) {
        outer(rows, in, out, x, g, turned);
        transpose(in, out, turned, for_w);
    } else
        gemm(call, 'N', 'T', in, out, rows, x, in, g, out, for_w);
}

/* for_x[b, i] = sum_o g[b, o] w[o, i] */
static void product_for_input(gemm_t call, int64_t rows, int64_t in, int64_t out, const float *g, const float *w,
                              float *for_x)
{
    float turned[NARROW * WIDEST];
    if (out <= NARROW)
        spread(rows, out, in, g, w, for_x);
    else if (in <= NARROW) {
        transpose(out, in, w, turned);
        gather(rows, in, out, g, turned, for_x);
    } else
        gemm(call, 'N', 'N', in, rows, out, w, in, g, out, for_x);
}

/* A linear map and what follows it; parameters of all replicas. Gradients that nobody wants are NULL. */
typedef struct {
    int64_t in, out, norm, activation;
    double eps, slope;
    const float *weight, *bias, *scale, *offset;
    float *for_weight, *for_bias, *for_scale, *for_offset;
} Link;

/* What one replica's forward pass leaves of a link; before, mean and deviation of links with a norm alone. */
typedef struct {
    const float *x;
    float *before, *mean, *deviation, *y;
} Left;

static float *take(float **from, int64_t count)
{
    float *found = *from;
    *from += (count + LANES - 1) / LANES * LANES;
    return found;
}

/* Lay out what the forward pass of a replica leaves: in kept, but for the last link's y, which is the result. */
static void lay_out(int64_t rows, int64_t count, const Link *links, const float *x, float *kept, float *result, Left *left)
{
    for (int64_t l = 0; l < count; l++) {
        int64_t out = links[l].out;
        memset(left + l, 0, sizeof *left);
        left[l].x = x;
        if (links[l].norm) {
            left[l].before = take(&kept, rows * out);
            left[l].mean = take(&kept, out);
            left[l].deviation = take(&kept, out);
        }
        x = left[l].y = l + 1 < count ? take(&kept, rows * out) : result;
    }
}

static const float *of(const float *all, int64_t place)
{
    return all ? all + place : NULL;
}

static float *into(float *all, int64_t place)
{
    return all ? all + place : NULL;
}

/* x is [R, B, in], kept is [R, size], result is [R, B, out]. */
void chain_forward(int64_t replicas, int64_t rows, int64_t count, const Link *links, const float *x, float *kept,
                   int64_t size, float *result, gemm_t call)
{
    Left left[count];
    for (int64_t r = 0; r < replicas; r++) {
        lay_out(rows, count, links, x + r * rows * links[0].in, kept + r * size,
                result + r * rows * links[count - 1].out, left);
        for (int64_t l = 0; l < count; l++) {
            const Link *own = links + l;
            int64_t in = own->in, out = own->out;
            product(call, rows, in, out, left[l].x, own->weight + r * out * in, own->norm ? left[l].before : left[l].y);
            if (own->norm) /* a bias would go with the mean */
                norm_forward(rows, out, left[l].before, of(own->scale, r * out), of(own->offset, r * out), own->eps,
                             (int)own->activation, (float)own->slope, left[l].y, left[l].mean, left[l].deviation);
            else
                plain_forward(rows, out, of(own->bias, r * out), (int)own->activation, (float)own->slope, left[l].y);
        }
    }
}

/* g is the result's gradient, onwards becomes that of x (or is NULL); scratch has room for two of the widest values. */
void chain_backward(int64_t replicas, int64_t rows, int64_t count, const Link *links, const float *x, float *kept,
                    int64_t size, float *result, const float *g, float *onwards, float *scratch, int64_t widest,
                    gemm_t call)
{
    Left left[count];
    float *inner = scratch, *outward = scratch + rows * widest;
    for (int64_t r = 0; r < replicas; r++) {
        int64_t end = rows * links[count - 1].out, begin = rows * links[0].in;
        const float *arriving = g + r * end;
        lay_out(rows, count, links, x + r * begin, kept + r * size, result + r * end, left);
        for (int64_t l = count - 1; l >= 0; l--) {
            const Link *own = links + l;
            int64_t in = own->in, out = own->out;
            int activation = (int)own->activation;
            float slope = (float)own->slope;
            if (own->norm)
                norm_backward(rows, out, arriving, left[l].y, left[l].before, of(own->scale, r * out), left[l].mean,
                              left[l].deviation, activation, slope, inner, into(own->for_scale, r * out),
                              into(own->for_offset, r * out), into(own->for_bias, r * out));
            else
                plain_backward(rows, out, arriving, left[l].y, activation, slope, inner, into(own->for_bias, r * out));
            if (own->for_weight)
                product_for_weight(call, rows, in, out, inner, left[l].x, own->for_weight + r * out * in);
            float *next = l > 0 ? outward : into(onwards, r * begin);
            if (next)
                product_for_input(call, rows, in, out, inner, own->weight + r * out * in, next);
            arriving = next;
        }
    }
}
