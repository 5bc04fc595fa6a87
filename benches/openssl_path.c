/* Parses three certificates and verifies their path with OpenSSL, again and
 * again; prints microseconds of processor time per path: verification alone,
 * then with parsing.
 *
 * openssl_path ROOT.der ISSUING.der LEAF.der UNIX-TIME
 */
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define CALLS 2000

typedef struct {
    unsigned char *data;
    long length;
} octets;

static octets slurp(const char *path)
{
    octets o;
    FILE *in = fopen(path, "rb");
    if (in == NULL) {
        perror(path);
        exit(2);
    }
    fseek(in, 0, SEEK_END);
    o.length = ftell(in);
    rewind(in);
    o.data = malloc((size_t)o.length);
    if (o.data == NULL || fread(o.data, 1, (size_t)o.length, in) != (size_t)o.length) {
        exit(2);
    }
    fclose(in);
    return o;
}

static X509 *parse(octets o)
{
    const unsigned char *p = o.data;
    X509 *certificate = d2i_X509(NULL, &p, o.length);
    if (certificate == NULL) {
        exit(2);
    }
    return certificate;
}

static void verify(X509 *root, X509 *issuing, X509 *leaf, time_t at)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    STACK_OF(X509) *others = sk_X509_new_null();
    X509_STORE_add_cert(store, root);
    sk_X509_push(others, issuing);
    X509_STORE_CTX_init(context, store, leaf, others);
    X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(context), at);
    if (X509_verify_cert(context) != 1) {
        fprintf(stderr, "%s\n", X509_verify_cert_error_string(X509_STORE_CTX_get_error(context)));
        exit(1);
    }
    sk_X509_free(others);
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
}

static double spent(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        return 2;
    }
    octets files[3] = {slurp(argv[1]), slurp(argv[2]), slurp(argv[3])};
    time_t at = (time_t)atoll(argv[4]);
    X509 *kept[3] = {parse(files[0]), parse(files[1]), parse(files[2])};
    verify(kept[0], kept[1], kept[2], at);
    double start = spent();
    for (int i = 0; i < CALLS; i++) {
        verify(kept[0], kept[1], kept[2], at);
    }
    double verified = spent();
    for (int i = 0; i < CALLS; i++) {
        X509 *root = parse(files[0]), *issuing = parse(files[1]), *leaf = parse(files[2]);
        verify(root, issuing, leaf, at);
        X509_free(root);
        X509_free(issuing);
        X509_free(leaf);
    }
    printf("%.1f %.1f\n", (verified - start) / CALLS, (spent() - verified) / CALLS);
    return 0;
}
