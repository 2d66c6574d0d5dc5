/* Chains of linear maps and convolutions with batch norm and activation, forward and backward, replica by replica, so
   that what a layer leaves is still in the core's own cache when the next one reads it. Arrays are contiguous float32:
   values [B, C] or [B, H, W, C] of each replica behind those of the one before, linear maps [out, in], what belongs to a
   channel [C].

   Products are sgemm's, of whatever library torch has, but for those with a side of at most NARROW, which sgemm is slow
   at. */

#include <math.h>
#include <stdint.h>
#include <string.h>

#define WIDEST 4096
#define NARROW 4
#define LANES 16

enum { LINEAR = 0, DOWN = 1, UP = 2, TURN = 3 };

static float *take(float **from, int64_t count)
{
    float *found = *from;
    *from += (count + LANES - 1) / LANES * LANES;
    return found;
}

#include "following.c"
#include "windows.c"

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

static void transpose_block(int64_t rows, int64_t columns, int64_t high, int64_t wide, const float *from, float *to)
{
    float block[LANES][LANES];
    for (int64_t i = 0; i < high; i++)
        for (int64_t j = 0; j < wide; j++)
            block[j][i] = from[i * columns + j];
    for (int64_t j = 0; j < wide; j++)
        for (int64_t i = 0; i < high; i++)
            to[j * rows + i] = block[j][i];
}

/* Block by block where both sides are long, so that every line of the cache is read and written as a whole. */
static void transpose(int64_t rows, int64_t columns, const float *from, float *to)
{
    if (least(rows, columns) <= 2 * LANES) {
        for (int64_t i = 0; i < rows; i++)
            for (int64_t j = 0; j < columns; j++)
                to[j * rows + i] = from[i * columns + j];
        return;
    }
    for (int64_t i = 0; i < rows; i += LANES)
        for (int64_t j = 0; j < columns; j += LANES)
            transpose_block(rows, columns, least(LANES, rows - i), least(LANES, columns - j), from + i * columns + j,
                            to + j * rows + i);
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

/* A map of in to out numbers of a sample and what follows it; parameters of all replicas, of each so many weights.
   What follows sees rows of so many channels. A turn takes [first, second] to [second, first], the order of channels
   and pixels. Gradients that nobody wants are NULL. */
typedef struct {
    int64_t kind, in, out, channels, weights, norm, activation;
    double eps, slope;
    union {
        Window window;
        struct {
            int64_t first, second;
        } turn;
    } as;
    const float *weight, *bias, *scale, *offset;
    float *for_weight, *for_bias, *for_scale, *for_offset;
} Link;

/* What one replica's forward pass leaves of a link; before, mean and deviation of links with a norm alone. */
typedef struct {
    const float *x;
    float *before, *mean, *deviation, *y;
} Left;

/* Lay out what the forward pass of a replica leaves: in kept, but for the last link's y, which is the result. */
static void lay_out(int64_t rows, int64_t count, const Link *links, const float *x, float *kept, float *result,
                    Left *left)
{
    for (int64_t l = 0; l < count; l++) {
        memset(left + l, 0, sizeof *left);
        left[l].x = x;
        if (links[l].norm) {
            left[l].before = take(&kept, rows * links[l].out);
            left[l].mean = take(&kept, links[l].channels);
            left[l].deviation = take(&kept, links[l].channels);
        }
        x = left[l].y = l + 1 < count ? take(&kept, rows * links[l].out) : result;
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

static void turn(int64_t rows, int64_t first, int64_t second, const float *from, float *to)
{
    for (int64_t b = 0; b < rows; b++)
        transpose(first, second, from + b * first * second, to + b * first * second);
}

static void map(gemm_t call, const Link *own, int64_t rows, const float *x, const float *weight, float *y, float *room)
{
    if (own->kind == LINEAR)
        product(call, rows, own->in, own->out, x, weight, y);
    else if (own->kind == DOWN)
        down(&own->as.window, rows, x, weight, y, room);
    else if (own->kind == UP)
        up(&own->as.window, rows, x, weight, y, room);
    else
        turn(rows, own->as.turn.first, own->as.turn.second, x, y);
}

static void map_for_weight(gemm_t call, const Link *own, int64_t rows, const float *g, const float *x, float *for_weight,
                           float *room)
{
    if (own->kind == LINEAR)
        product_for_weight(call, rows, own->in, own->out, g, x, for_weight);
    else if (own->kind == DOWN)
        for_window_weight(&own->as.window, rows, g, x, for_weight, room);
    else
        for_window_weight(&own->as.window, rows, x, g, for_weight, room);
}

static void map_for_input(gemm_t call, const Link *own, int64_t rows, const float *g, const float *weight, float *for_x,
                          float *room)
{
    if (own->kind == LINEAR)
        product_for_input(call, rows, own->in, own->out, g, weight, for_x);
    else if (own->kind == DOWN)
        up(&own->as.window, rows, g, weight, for_x, room);
    else if (own->kind == UP)
        down(&own->as.window, rows, g, weight, for_x, room);
    else
        turn(rows, own->as.turn.second, own->as.turn.first, g, for_x);
}

/* The numbers that a pass needs room for beside two of the widest values. */
int64_t chain_room(int64_t count, const Link *links)
{
    int64_t found = 0;
    for (int64_t l = 0; l < count; l++)
        if (links[l].kind == DOWN || links[l].kind == UP)
            found = most(found, window_room(&links[l].as.window));
    return found;
}

static void follow_forward(const Link *own, int64_t r, int64_t rows, const Left *left)
{
    int64_t columns = own->channels, lines = rows * (own->out / columns);
    int64_t copies = own->out > columns ? fold(&lines, &columns) : 1, place = r * own->channels;
    int activation = (int)own->activation;
    float slope = (float)own->slope;
    if (own->norm) /* a bias would go with the mean */
        norm_forward(lines, columns, copies, left->before, of(own->scale, place), of(own->offset, place), own->eps,
                     activation, slope, left->y, left->mean, left->deviation);
    else
        plain_forward(lines, columns, copies, of(own->bias, place), activation, slope, left->y);
}

/* Return the gradient of what the map made: inner, or g itself if nothing follows the map. */
static const float *follow_backward(const Link *own, int64_t r, int64_t rows, const Left *left, const float *g,
                                    float *inner)
{
    int64_t columns = own->channels, lines = rows * (own->out / columns);
    int64_t copies = own->out > columns ? fold(&lines, &columns) : 1, place = r * own->channels;
    int activation = (int)own->activation;
    float slope = (float)own->slope;
    const float *found = inner;
    if (own->norm)
        norm_backward(lines, columns, copies, g, left->y, left->before, of(own->scale, place), left->mean,
                      left->deviation, activation, slope, inner, into(own->for_scale, place),
                      into(own->for_offset, place));
    else if (activation != NONE)
        through(lines * columns, g, left->y, activation, slope, inner);
    else
        found = g;
    bias_backward(lines, columns, copies, found, into(own->for_bias, place));
    return found;
}

/* x is [R, B, in], kept is [R, size], result is [R, B, out]; room as chain_room has it. */
void chain_forward(int64_t replicas, int64_t rows, int64_t count, const Link *links, const float *x, float *kept,
                   int64_t size, float *result, float *room, gemm_t call)
{
    Left left[count];
    for (int64_t r = 0; r < replicas; r++) {
        lay_out(rows, count, links, x + r * rows * links[0].in, kept + r * size,
                result + r * rows * links[count - 1].out, left);
        for (int64_t l = 0; l < count; l++) {
            const Link *own = links + l;
            const float *weight = of(own->weight, r * own->weights);
            map(call, own, rows, left[l].x, weight, own->norm ? left[l].before : left[l].y, room);
            follow_forward(own, r, rows, left + l);
        }
    }
}

/* g is the result's gradient, onwards becomes that of x (or is NULL); scratch has room for two of the widest values. */
void chain_backward(int64_t replicas, int64_t rows, int64_t count, const Link *links, const float *x, float *kept,
                    int64_t size, float *result, const float *g, float *onwards, float *scratch, int64_t widest,
                    gemm_t call)
{
    Left left[count];
    float *one = take(&scratch, rows * widest), *other = take(&scratch, rows * widest);
    for (int64_t r = 0; r < replicas; r++) {
        int64_t end = rows * links[count - 1].out, begin = rows * links[0].in;
        const float *arriving = g + r * end;
        lay_out(rows, count, links, x + r * begin, kept + r * size, result + r * end, left);
        for (int64_t l = count - 1; l >= 0; l--) {
            const Link *own = links + l;
            const float *behind = follow_backward(own, r, rows, left + l, arriving, arriving == one ? other : one);
            if (own->for_weight)
                map_for_weight(call, own, rows, behind, left[l].x, own->for_weight + r * own->weights, scratch);
            float *next = l > 0 ? (behind == one ? other : one) : into(onwards, r * begin);
            if (next)
                map_for_input(call, own, rows, behind, of(own->weight, r * own->weights), next, scratch);
            arriving = next;
        }
    }
}
