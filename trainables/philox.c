/* Philox4x32-10 (Salmon et al. 2011), and uniform and normal numbers of its words. philox.py has the same in torch, to
   the bit: that is why products and sums must not be contracted, and why log, sin and cos are series of their own.

   A block is four words of 32 bits, made from a counter of four words: the number of the block within the draw, and the
   number of the draw, 64 bits each. Blocks are made LANES at a time, so that a compiler can use vectors. */

#include <math.h>
#include <stdint.h>
#include <string.h>
#ifdef __AVX2__
#include <immintrin.h>
#endif

#define LANES 64

enum { WORDS = 0, UNIFORM = 1, NORMAL = 2 };

static void make_blocks(uint64_t first, uint64_t draw, const uint32_t *key, uint32_t words[4][LANES])
{
    uint32_t keys[10][2] = {{key[0], key[1]}};
    for (int round = 1; round < 10; round++) {
        keys[round][0] = keys[round - 1][0] + 0x9E3779B9u;
        keys[round][1] = keys[round - 1][1] + 0xBB67AE85u;
    }
    for (int i = 0; i < LANES; i++) {
        uint64_t number = first + i;
        words[0][i] = (uint32_t)number;
        words[1][i] = (uint32_t)(number >> 32);
    }
    int i = 0;
#ifdef __AVX2__ /* four blocks at a time in lanes of 64 bits, whose upper halves the product does not read */
    for (; i < LANES; i += 4) {
        __m256i a = _mm256_cvtepu32_epi64(_mm_loadu_si128((__m128i *)&words[0][i]));
        __m256i b = _mm256_cvtepu32_epi64(_mm_loadu_si128((__m128i *)&words[1][i]));
        __m256i c = _mm256_set1_epi64x((uint32_t)draw), d = _mm256_set1_epi64x(draw >> 32);
        const __m256i M = _mm256_set1_epi64x(0xD2511F53u), N = _mm256_set1_epi64x(0xCD9E8D57u);
#pragma GCC unroll 10
        for (int round = 0; round < 10; round++) {
            __m256i one = _mm256_mul_epu32(M, a), other = _mm256_mul_epu32(N, c);
            a = _mm256_xor_si256(_mm256_srli_epi64(other, 32), _mm256_xor_si256(b, _mm256_set1_epi64x(keys[round][0])));
            b = other;
            c = _mm256_xor_si256(_mm256_srli_epi64(one, 32), _mm256_xor_si256(d, _mm256_set1_epi64x(keys[round][1])));
            d = one;
        }
        __m256i pick = _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6), v[4] = {a, b, c, d};
        for (int j = 0; j < 4; j++)
            _mm_storeu_si128((__m128i *)&words[j][i], _mm256_castsi256_si128(_mm256_permutevar8x32_epi32(v[j], pick)));
    }
#endif
    for (; i < LANES; i++) {
        uint32_t a = words[0][i], b = words[1][i], c = (uint32_t)draw, d = (uint32_t)(draw >> 32);
#pragma GCC unroll 10
        for (int round = 0; round < 10; round++) {
            uint64_t one = (uint64_t)0xD2511F53u * a, other = (uint64_t)0xCD9E8D57u * c;
            a = (uint32_t)(other >> 32) ^ b ^ keys[round][0];
            b = (uint32_t)other;
            c = (uint32_t)(one >> 32) ^ d ^ keys[round][1];
            d = (uint32_t)one;
        }
        words[0][i] = a;
        words[1][i] = b;
        words[2][i] = c;
        words[3][i] = d;
    }
}

static inline double as_double(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint64_t as_bits(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* word -> double, exactly; vectors know the conversion of signed integers alone. */
static inline double number_of(uint32_t word)
{
    return (double)(int32_t)(word ^ 0x80000000u) + 2147483648.0;
}

/* sqrt(-2 log u) for u = (word + 1) / 2^32 = m 2^k, m in [sqrt(1/2), sqrt(2)), by log m = 2 artanh((m - 1) / (m + 1)). */
static inline double radius_of(uint32_t word)
{
    const uint64_t root = 0x3FE6A09E667F3BCDu, one = 0x3FF0000000000000u;
    uint64_t bits = as_bits(number_of(word) + 1.0) + (one - root);
    double k = as_double((bits >> 52) | 0x4330000000000000u) - (4503599627370496.0 + 1023.0 + 32.0);
    double m = as_double((bits & 0x000FFFFFFFFFFFFFu) + root);
    double s = (m - 1.0) / (m + 1.0), z = s * s, p = 1.0 / 13.0;
    p = p * z + 1.0 / 11.0;
    p = p * z + 1.0 / 9.0;
    p = p * z + 1.0 / 7.0;
    p = p * z + 1.0 / 5.0;
    p = p * z + 1.0 / 3.0;
    p = p * z + 1.0;
    return sqrt(k * -1.3862943611198906 - s * p * 4.0);
}

/* Cosine and sine of 2 pi word / 2^32: a quarter of the circle, and a series on the angle from its middle. */
static inline void circle_of(uint32_t word, double *cosine, double *sine)
{
    uint32_t quarter = (word + 0x20000000u) >> 30;
    double x = (double)(int32_t)(word - (quarter << 30)) * 1.4629180792671596e-9, z = x * x;
    double s = -1.0 / 39916800.0, c = 1.0 / 479001600.0;
    s = s * z + 1.0 / 362880.0;
    s = s * z + -1.0 / 5040.0;
    s = s * z + 1.0 / 120.0;
    s = s * z + -1.0 / 6.0;
    s = s * z + 1.0;
    s = s * x;
    c = c * z + -1.0 / 3628800.0;
    c = c * z + 1.0 / 40320.0;
    c = c * z + -1.0 / 720.0;
    c = c * z + 1.0 / 24.0;
    c = c * z + -0.5;
    c = c * z + 1.0;
    uint64_t swap = -(uint64_t)(quarter & 1), both = (as_bits(s) ^ as_bits(c)) & swap;
    *cosine = as_double((as_bits(c) ^ both) ^ ((uint64_t)((quarter + 1) & 2) << 62));
    *sine = as_double((as_bits(s) ^ both) ^ ((uint64_t)(quarter & 2) << 62));
}

static void pairs_of(const uint32_t *first, const uint32_t *second, float *one, float *other)
{
    double radius[LANES];
    for (int i = 0; i < LANES; i++)
        radius[i] = radius_of(first[i]);
    for (int i = 0; i < LANES; i++) {
        double cosine, sine;
        circle_of(second[i], &cosine, &sine);
        one[i] = (float)(radius[i] * cosine);
        other[i] = (float)(radius[i] * sine);
    }
}

/* out[r, i] for i < count: words as uint32, uniform or normal numbers as float32, from block `first` of the draw on. */
void draw(int kind, int64_t rows, const uint32_t *keys, uint64_t number, uint64_t first, int64_t count, void *out)
{
    uint32_t words[4][LANES], made[4 * LANES];
    float values[4][LANES];
    for (int64_t r = 0; r < rows; r++)
        for (int64_t at = 0; at < count; at += 4 * LANES) {
            int64_t left = count - at < 4 * LANES ? count - at : 4 * LANES;
            uint32_t *place = (uint32_t *)out + r * count + at, *target = left == 4 * LANES ? place : made;
            make_blocks(first + at / 4, number, keys + 2 * r, words);
            if (kind == UNIFORM)
                for (int j = 0; j < 4; j++)
                    for (int i = 0; i < LANES; i++)
                        values[j][i] = (float)(int32_t)(words[j][i] >> 8) * 0x1p-24f;
            if (kind == NORMAL) {
                pairs_of(words[0], words[1], values[0], values[1]);
                pairs_of(words[2], words[3], values[2], values[3]);
            }
            if (kind != WORDS)
                memcpy(words, values, sizeof words);
            for (int i = 0; i < LANES; i++)
                for (int j = 0; j < 4; j++)
                    target[4 * i + j] = words[j][i];
            if (target == made)
                memcpy(place, made, left * sizeof *made);
        }
}
