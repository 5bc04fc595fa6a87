/* Signs a PDF with a PKCS#12 key, validates it, and sees a tampered copy refused.
 *
 * client P12 PASSWORD PDF ROOT CRL OUT TIME ENVELOPE
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kyso.h"

typedef struct {
    uint8_t *data;
    size_t length;
} file;

static file read_file(const char *path)
{
    file f = {NULL, 0};
    FILE *in = fopen(path, "rb");
    if (in == NULL) {
        perror(path);
        exit(2);
    }
    fseek(in, 0, SEEK_END);
    long size = ftell(in);
    rewind(in);
    f.length = (size_t)size;
    f.data = malloc(f.length + 1);
    if (f.data == NULL || fread(f.data, 1, f.length, in) != f.length) {
        fprintf(stderr, "%s: cannot read\n", path);
        exit(2);
    }
    fclose(in);
    return f;
}

/* The error by its place: the call that sets it stands in the same argument list,
 * whose parts are evaluated in any order. Frees it and sets it to NULL. */
static void expect(KysoStatus status, KysoStatus wanted, KysoError **error, const char *what)
{
    if (status != wanted) {
        size_t length = 0;
        const uint8_t *message = kyso_error_message(*error, &length);
        fprintf(stderr, "%s: status %d, expected %d: %.*s\n", what, (int)status, (int)wanted, (int)length, message);
        exit(1);
    }
    if ((wanted == KYSO_STATUS_OK) != (*error == NULL) || kyso_error_status(*error) != wanted) {
        fprintf(stderr, "%s: the error object does not fit\n", what);
        exit(1);
    }
    kyso_error_free(*error);
    *error = NULL;
}

static void validate(const KysoValidation *validation, const uint8_t *data, size_t length, int32_t wanted)
{
    KysoError *error = NULL;
    KysoReport *report = NULL;
    KysoBytes *text = NULL;
    expect(kyso_validation_pdf(validation, data, length, &report, &error), KYSO_STATUS_OK, &error, "validate");
    int32_t indication = kyso_report_indication(report);
    expect(kyso_report_json(report, &text, &error), KYSO_STATUS_OK, &error, "report");
    if (indication != wanted) {
        fprintf(stderr, "indication %d, expected %d\n%.*s\n", (int)indication, (int)wanted,
                (int)kyso_bytes_length(text), (const char *)kyso_bytes_data(text));
        exit(1);
    }
    kyso_bytes_free(text);
    kyso_report_free(report);
}

int main(int argc, char **argv)
{
    if (argc != 9) {
        fprintf(stderr, "usage: %s P12 PASSWORD PDF ROOT CRL OUT TIME ENVELOPE\n", argv[0]);
        return 2;
    }
    if (kyso_abi_version() != 1 || strlen(kyso_version()) == 0) {
        return 1;
    }
    file p12 = read_file(argv[1]), pdf = read_file(argv[3]), root = read_file(argv[4]), crl = read_file(argv[5]);
    file envelope = read_file(argv[8]);
    int64_t now = strtoll(argv[7], NULL, 10);
    KysoError *error = NULL;

    KysoKey *key = NULL;
    expect(kyso_key_from_pkcs12(p12.data, p12.length, (const uint8_t *)"wrong", 5, &key, &error), KYSO_STATUS_SECRET,
           &error, "wrong password");
    expect(kyso_key_from_pkcs12(p12.data, p12.length, (const uint8_t *)argv[2], strlen(argv[2]), &key, &error),
           KYSO_STATUS_OK, &error, "key");

    expect(kyso_key_from_pkcs12(NULL, 5, NULL, 0, &key, &error), KYSO_STATUS_MISUSE, &error, "NULL with a length");

    KysoPdfSigning *signing = kyso_pdf_signing_new();
    const char *field = "Phe duyet", *reason = "Ph\xc3\xaa duy\xe1\xbb\x87t";
    expect(kyso_pdf_signing_set_text(signing, KYSO_TEXT_FIELD, (const uint8_t *)field, strlen(field), &error),
           KYSO_STATUS_OK, &error, "field");
    expect(kyso_pdf_signing_set_text(signing, KYSO_TEXT_REASON, (const uint8_t *)reason, strlen(reason), &error),
           KYSO_STATUS_OK, &error, "reason");
    expect(kyso_pdf_signing_set_rectangle(signing, 1, 320, 120, 200, 60, &error), KYSO_STATUS_OK, &error, "rectangle");
    KysoBytes *out = NULL;
    expect(kyso_pdf_sign((const uint8_t *)"no PDF", 6, key, signing, now, &out, &error), KYSO_STATUS_MALFORMED, &error,
           "sign what is no PDF");
    expect(kyso_pdf_sign(pdf.data, pdf.length, key, signing, now, &out, &error), KYSO_STATUS_OK, &error, "sign");
    kyso_pdf_signing_free(signing);
    kyso_key_free(key);

    FILE *to = fopen(argv[6], "wb");
    if (to == NULL || fwrite(kyso_bytes_data(out), 1, kyso_bytes_length(out), to) != kyso_bytes_length(out)) {
        return 2;
    }
    fclose(to);

    KysoValidation *validation = NULL;
    expect(kyso_validation_new(now + 60, &validation, &error), KYSO_STATUS_OK, &error, "validation");
    expect(kyso_validation_set_threads(validation, 0, &error), KYSO_STATUS_MISUSE, &error, "no threads");
    expect(kyso_validation_set_threads(validation, 2, &error), KYSO_STATUS_OK, &error, "threads");
    validate(validation, kyso_bytes_data(out), kyso_bytes_length(out), KYSO_INDICATION_INDETERMINATE);
    expect(kyso_validation_trust(validation, (const uint8_t *)"test", 4, root.data, root.length, &error),
           KYSO_STATUS_OK, &error, "trust");
    expect(kyso_validation_add_crl(validation, crl.data, crl.length, &error), KYSO_STATUS_OK, &error, "CRL");
    validate(validation, kyso_bytes_data(out), kyso_bytes_length(out), KYSO_INDICATION_PASSED);
    validate(validation, pdf.data, pdf.length, KYSO_INDICATION_NO_SIGNATURE);
    uint8_t *tampered = malloc(kyso_bytes_length(out));
    if (tampered == NULL) {
        return 2;
    }
    memcpy(tampered, kyso_bytes_data(out), kyso_bytes_length(out));
    tampered[pdf.length / 2] ^= 1;
    KysoReport *report = NULL;
    KysoStatus status = kyso_validation_pdf(validation, tampered, kyso_bytes_length(out), &report, &error);
    if (status == KYSO_STATUS_OK && kyso_report_indication(report) == KYSO_INDICATION_PASSED) {
        fprintf(stderr, "a tampered document passed\n");
        return 1;
    }
    kyso_report_free(report);
    kyso_error_free(error);
    free(tampered);
    kyso_validation_free(validation);
    kyso_bytes_free(out);

    KysoEnvelope *message = NULL;
    expect(kyso_envelope_open(envelope.data, envelope.length, &message, &error), KYSO_STATUS_OK, &error, "envelope");
    if (kyso_envelope_attachment_count(message) != 1) {
        fprintf(stderr, "attachments: %zu\n", kyso_envelope_attachment_count(message));
        return 1;
    }
    KysoBytes *content = NULL;
    expect(kyso_envelope_attachment_content(message, 0, &content, &error), KYSO_STATUS_OK, &error, "attachment");
    if (kyso_bytes_length(content) != pdf.length || memcmp(kyso_bytes_data(content), pdf.data, pdf.length) != 0) {
        fprintf(stderr, "the attachment is another one\n");
        return 1;
    }
    kyso_bytes_free(content);
    expect(kyso_envelope_attachment_content(message, 9, &content, &error), KYSO_STATUS_MISUSE, &error, "no attachment");
    kyso_envelope_free(message);

    /* NULL is nothing to free. */
    kyso_key_free(NULL);
    kyso_bytes_free(NULL);
    kyso_report_free(NULL);
    kyso_error_free(NULL);
    free(p12.data);
    free(pdf.data);
    free(root.data);
    free(crl.data);
    free(envelope.data);
    puts("ok");
    return 0;
}
