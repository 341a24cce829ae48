/* Training steps of a fully connected network with ReLU or leaky ReLU units, on one core.
 *
 * One routine takes many steps of one model, whose weights and moments (1 MB for 67,000 weights) stay in the cache.
 * A layer is stored as its transposed weight, pad(in) x pad(out), then its bias, pad(out): widths are rounded up to whole
 * vectors, and the padding is zero and stays zero, since its gradients are. All three matrix products of a layer are one
 * tile routine with other strides: y = h W^T + b, dh = dz W, dW^T = h^T dz. The last one is formed six rows at a time and
 * goes straight into the optimiser.
 */
#include <math.h>
#include <stddef.h>
#include <string.h>

#if defined(__AVX512F__)
#define LANES 16
#define WIDE 4
#elif defined(__AVX__)
#define LANES 8
#define WIDE 2
#else
#define LANES 4
#define WIDE 2
#endif
#define TALL 6
#define MOST_LAYERS 64
#define INLINE static inline __attribute__((always_inline))

typedef float vec __attribute__((vector_size(LANES * 4), aligned(4), may_alias));
typedef int lanes __attribute__((vector_size(LANES * 4)));
typedef ptrdiff_t gap;

INLINE vec load(const float *p) { return *(const vec *)p; }
INLINE void store(float *p, vec x) { *(vec *)p = x; }
INLINE int pad(int n) { return (n + LANES - 1) / LANES * LANES; }

/* c[r][:] = bias + sum over k of a[r ra + k ka] b[k rb + :], for `rows` rows and `cols` vectors of columns */
INLINE void tile(int rows, int cols, int depth, const float *a, gap ra, gap ka, const float *b, gap rb,
                 const float *bias, float *c, gap rc) {
    vec sum[TALL][WIDE];
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < cols; v++) sum[r][v] = bias ? load(bias + v * LANES) : (vec){0};
    for (int k = 0; k < depth; k++) {
        vec right[WIDE];
        for (int v = 0; v < cols; v++) right[v] = load(b + k * rb + v * LANES);
        for (int r = 0; r < rows; r++) {
            vec left = a[r * ra + k * ka] - (vec){0}; /* a broadcast: x - 0 is x, which 0 + x is not for x = -0 */
            for (int v = 0; v < cols; v++) sum[r][v] += left * right[v];
        }
    }
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < cols; v++) store(c + r * rc + v * LANES, sum[r][v]);
}

/* The sizes of a tile are constants to the compiler, so that its sums live in registers. */
#define CASE(n, cols) case n: tile(n, cols, depth, a, ra, ka, b, rb, bias, c, rc); break;
#define TILE(name, cols)                                                                                              \
    static void name(int rows, int depth, const float *a, gap ra, gap ka, const float *b, gap rb, const float *bias,  \
                     float *c, gap rc) {                                                                              \
        switch (rows) { CASE(1, cols) CASE(2, cols) CASE(3, cols) CASE(4, cols) CASE(5, cols) CASE(6, cols) }         \
    }
TILE(narrow, 1)
TILE(middle, 2)
#if WIDE == 4
TILE(wide, 4)
#endif

static void product(int rows, int width, int depth, const float *a, gap ra, gap ka, const float *b, gap rb,
                    const float *bias, float *c, gap rc) {
    int cols;
    for (int o = 0; o < width; o += cols * LANES) {
        int left = (width - o) / LANES, tiles = (rows + TALL - 1) / TALL, some;
        cols = WIDE == 4 && left >= 4 ? 4 : left >= 2 ? 2 : 1;
        for (int t = 0, r = 0; t < tiles; t++, r += some) {
            some = (rows - r + tiles - t - 1) / (tiles - t);
            const float *from = a + r * ra, *shift = bias ? bias + o : 0;
            float *to = c + r * rc + o;
#if WIDE == 4
            if (cols == 4) { wide(some, depth, from, ra, ka, b + o, rb, shift, to, rc); continue; }
#endif
            if (cols == 2) middle(some, depth, from, ra, ka, b + o, rb, shift, to, rc);
            else narrow(some, depth, from, ra, ka, b + o, rb, shift, to, rc);
        }
    }
}

#if LANES == 16
#ifdef __clang__
#define PICK(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define PICK(a, b, ...) __builtin_shuffle(a, b, (lanes){__VA_ARGS__})
#endif
/* Four rounds; each swaps the two off-diagonal quarters of all blocks of size 2h. */
#define ROUND(from, to, h, low, high)                                                                                 \
    for (int i = 0; i < 16; i++) to[i] = i & h ? high(from[i - h], from[i]) : low(from[i], from[i + h]);
#define LOW8(a, b) PICK(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23)
#define HIGH8(a, b) PICK(a, b, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31)
#define LOW4(a, b) PICK(a, b, 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27)
#define HIGH4(a, b) PICK(a, b, 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31)
#define LOW2(a, b) PICK(a, b, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29)
#define HIGH2(a, b) PICK(a, b, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31)
#define LOW1(a, b) PICK(a, b, 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30)
#define HIGH1(a, b) PICK(a, b, 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31)
INLINE void transpose_block(const float *s, gap rs, float *d, gap rd) {
    vec x[16], y[16];
    for (int i = 0; i < 16; i++) x[i] = load(s + i * rs);
    ROUND(x, y, 8, LOW8, HIGH8)
    ROUND(y, x, 4, LOW4, HIGH4)
    ROUND(x, y, 2, LOW2, HIGH2)
    ROUND(y, x, 1, LOW1, HIGH1)
    for (int i = 0; i < 16; i++) store(d + i * rd, x[i]);
}
#else
INLINE void transpose_block(const float *s, gap rs, float *d, gap rd) {
    for (int i = 0; i < LANES; i++)
        for (int j = 0; j < LANES; j++) d[j * rd + i] = s[i * rs + j];
}
#endif

static void transpose(int rows, int cols, const float *s, float *d) {
    for (int i = 0; i < rows; i += LANES)
        for (int j = 0; j < cols; j += LANES) transpose_block(s + (gap)i * cols + j, cols, d + (gap)j * rows + i, rows);
}

/* The optimiser: what it is, and its numbers in this step. `root` is 1/sqrt(1 - 0.999^t). */
typedef struct {
    int kind;
    float rate, root, epsilon, momentum, keep;
} rule;

INLINE void update(rule u, int n, const float *restrict g, float *restrict w, float *restrict m, float *restrict v) {
    if (u.keep != 1.0f)
        for (int i = 0; i < n; i++) w[i] *= u.keep;
    if (u.kind == 0)
        for (int i = 0; i < n; i++) {
            m[i] += 0.1f * (g[i] - m[i]);
            v[i] = 0.999f * v[i] + 0.001f * g[i] * g[i];
            w[i] -= u.rate * m[i] / (sqrtf(v[i]) * u.root + u.epsilon);
        }
    else if (u.kind == 1)
        for (int i = 0; i < n; i++) {
            m[i] = 0.9f * m[i] + 0.1f * g[i] * g[i];
            w[i] -= u.rate * g[i] / sqrtf(m[i] + u.epsilon);
        }
    else
        for (int i = 0; i < n; i++) {
            m[i] = u.momentum * m[i] + g[i];
            w[i] -= u.rate * m[i];
        }
}

/* Moments of units that are never active decay to subnormal numbers and stay there, each operation on which takes a
 * hundred cycles: here they are zero. Returns the state of the processor before, for `unflush`. */
static unsigned flush(void) {
#if defined(__SSE2__)
    unsigned before = __builtin_ia32_stmxcsr();
    __builtin_ia32_ldmxcsr(before | 0x8040);
    return before;
#else
    return 0;
#endif
}

static void unflush(unsigned before) {
#if defined(__SSE2__)
    __builtin_ia32_ldmxcsr(before);
#else
    (void)before;
#endif
}

int vector_lanes(void) { return LANES; }

/* Floats of workspace that `train` and `reconstruct` need for batches of that many rows. */
long workspace(int layers, const int *sizes, int batch) {
    long widest = 0, total = 0, largest = 0;
    for (int l = 0; l <= layers; l++) {
        total += (long)batch * pad(sizes[l]);
        if (pad(sizes[l]) > widest) widest = pad(sizes[l]);
        if (l && (long)pad(sizes[l - 1]) * pad(sizes[l]) > largest) largest = (long)pad(sizes[l - 1]) * pad(sizes[l]);
    }
    return total + 2 * (long)batch * widest + TALL * widest + largest;
}

typedef struct {
    int layers, batch;
    const int *sizes, *active;
    float slope;
    gap at[MOST_LAYERS];
    float *h[MOST_LAYERS + 1], *up, *down, *gradient, *turned;
} net;

static net prepare(int layers, const int *sizes, const int *active, float slope, int batch, float *work) {
    net x = {layers, batch, sizes, active, slope, {0}, {0}, 0, 0, 0, 0};
    gap place = 0, widest = 0;
    for (int l = 0; l < layers; l++) {
        x.at[l] = place;
        place += (gap)(pad(sizes[l]) + 1) * pad(sizes[l + 1]);
    }
    for (int l = 0; l <= layers; l++) {
        x.h[l] = work;
        work += (gap)batch * pad(sizes[l]);
        if (pad(sizes[l]) > widest) widest = pad(sizes[l]);
    }
    x.up = work;
    x.down = x.up + batch * widest;
    x.gradient = x.down + batch * widest;
    x.turned = x.gradient + TALL * widest;
    return x;
}

static void activate(int n, float slope, float *restrict y) {
    for (int i = 0; i < n; i++) y[i] = y[i] > 0 ? y[i] : slope * y[i];
}

static void pull_back(int n, float slope, const float *restrict y, float *restrict g) {
    for (int i = 0; i < n; i++) g[i] = y[i] > 0 ? g[i] : slope * g[i];
}

/* errors (last - first), scaled, into `scaled`; returns the sum of their squares */
static double compare(int n, float scale, const float *restrict last, const float *restrict first,
                      float *restrict scaled) {
    double sum = 0;
    for (int i = 0; i < n; i++) {
        float error = last[i] - first[i];
        sum += (double)error * error;
        scaled[i] = scale * error;
    }
    return sum;
}

static void add_rows(int rows, int n, const float *restrict from, float *restrict sum) {
    memset(sum, 0, sizeof(float) * n);
    for (int b = 0; b < rows; b++)
        for (int o = 0; o < n; o++) sum[o] += from[(gap)b * n + o];
}

static void forward(const net *x, const float *w, int rows) {
    for (int l = 0; l < x->layers; l++) {
        int pi = pad(x->sizes[l]), po = pad(x->sizes[l + 1]);
        const float *weight = w + x->at[l];
        float *y = x->h[l + 1];
        product(rows, po, x->sizes[l], x->h[l], pi, 1, weight, po, weight + (gap)pi * po, y, po);
        if (x->active[l]) activate(rows * po, x->slope, y);
    }
}

static void take(const net *x, const float *data, const int *rows, int count) {
    int n = x->sizes[0], pn = pad(n);
    memset(x->h[0], 0, sizeof(float) * count * pn);
    for (int b = 0; b < count; b++)
        memcpy(x->h[0] + (gap)b * pn, data + (gap)(rows ? rows[b] : b) * n, sizeof(float) * n);
}

static void backward(const net *x, rule u, float *w, float *m, float *v, int rows) {
    float *dz = x->up, *dh = x->down;
    for (int l = x->layers - 1; l >= 0; l--) {
        int in = x->sizes[l], pi = pad(in), po = pad(x->sizes[l + 1]);
        gap q = x->at[l];
        if (l) {
            transpose(pi, po, w + q, x->turned);
            product(rows, pi, x->sizes[l + 1], dz, po, 1, x->turned, pi, 0, dh, pi);
            if (x->active[l - 1]) pull_back(rows * pi, x->slope, x->h[l], dh);
        }
        for (int i = 0; i < in; i += TALL, q += (gap)TALL * po) {
            int some = in - i < TALL ? in - i : TALL;
            product(some, po, rows, x->h[l] + i, 1, pi, dz, po, 0, x->gradient, po);
            update(u, some * po, x->gradient, w + q, m + q, v + q);
        }
        q = x->at[l] + (gap)pi * po;
        add_rows(rows, po, dz, x->gradient);
        update(u, po, x->gradient, w + q, m + q, v + q);
        float *other = dz;
        dz = dh;
        dh = other;
    }
}

/* Take `steps` steps. Step s uses counts[s] of the `batch` row numbers from rows[s batch] on and leaves the sum of its
 * squared errors, before its own update, in losses[s]. Returns the number of steps taken: it stops before the first one
 * whose loss is not finite, leaving that loss behind. */
int train(int layers, const int *sizes, const int *active, float slope, float *w, float *m, float *v, float *work,
          const float *data, const int *rows, const int *counts, int batch, int steps, const float *rates,
          const float *roots, const float *keeps, int kind, float epsilon, float momentum, double *losses) {
    net x = prepare(layers, sizes, active, slope, batch, work);
    int n = sizes[0], pn = pad(n), s = 0;
    unsigned before = flush();
    for (; s < steps; s++) {
        int count = counts[s];
        take(&x, data, rows + (gap)s * batch, count);
        forward(&x, w, count);
        double loss = compare(count * pn, 2.0f / (float)(count * n), x.h[layers], x.h[0], x.up);
        losses[s] = loss;
        if (!isfinite(loss)) break;
        rule u = {kind, rates[s], roots[s], epsilon, momentum, keeps[s]};
        backward(&x, u, w, m, v, count);
    }
    unflush(before);
    return s;
}

/* The outputs for `count` rows, taken `batch` at a time. */
void reconstruct(int layers, const int *sizes, const int *active, float slope, const float *w, float *work,
                 const float *data, int count, int batch, float *out) {
    net x = prepare(layers, sizes, active, slope, batch, work);
    int in = sizes[0], n = sizes[layers], pn = pad(n);
    for (int done = 0; done < count; done += batch) {
        int some = count - done < batch ? count - done : batch;
        take(&x, data + (gap)done * in, 0, some);
        forward(&x, w, some);
        for (int b = 0; b < some; b++)
            memcpy(out + (gap)(done + b) * n, x.h[layers] + (gap)b * pn, sizeof(float) * n);
    }
}
