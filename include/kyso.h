/* kyso: sign, validate and open official electronic documents.
 *
 * Written from src/ffi by tests/ffi_header.rs; do not edit.
 *
 * What can fail returns a status; its last argument takes an error object and
 * may be NULL. A result is written on success only, the error on failure only.
 *
 * Octets and text are a pointer and a length, borrowed for the call; NULL is
 * allowed where the length is 0. Text is UTF-8.
 *
 * A handle that comes out belongs to the caller and goes back through the free
 * function of its type, once. Freeing NULL does nothing. A handle that goes in
 * is borrowed for the call. One handle belongs to one thread at a time.
 */

#ifndef KYSO_H
#define KYSO_H

#include <stddef.h>
#include <stdint.h>

// The name of the signature field: an empty one of this name is signed, else one is made.
#define KYSO_TEXT_FIELD 1

// The reason.
#define KYSO_TEXT_REASON 2

// The place.
#define KYSO_TEXT_LOCATION 3

// How to reach the signer.
#define KYSO_TEXT_CONTACT 4

// The signer as text; validators take the certificate's subject.
#define KYSO_TEXT_NAME 5

// What a visible signature shows; without it, the certificate's name and the reason.
#define KYSO_TEXT_APPEARANCE 6

// There is no report.
#define KYSO_INDICATION_NONE -1

// The document holds no signature.
#define KYSO_INDICATION_NO_SIGNATURE 0

// Every signature passed (TOTAL-PASSED).
#define KYSO_INDICATION_PASSED 1

// None failed, at least one is not decided (INDETERMINATE).
#define KYSO_INDICATION_INDETERMINATE 2

// At least one failed (TOTAL-FAILED).
#define KYSO_INDICATION_FAILED 3

// Octets that belong to the library until they are freed.
typedef struct KysoBytes KysoBytes;

// A message that was read.
typedef struct KysoEnvelope KysoEnvelope;

// What went wrong, for the log.
typedef struct KysoError KysoError;

// A key with its certificate and chain.
typedef struct KysoKey KysoKey;

// What a PDF signature is to say and to show.
typedef struct KysoPdfSigning KysoPdfSigning;

// What a validation found.
typedef struct KysoReport KysoReport;

// What a validation goes by: time, trust, evidence, policy.
typedef struct KysoValidation KysoValidation;

// How a call ended: 0, or who can do something about it.
typedef int32_t KysoStatus;

// Done.
#define KYSO_STATUS_OK 0

// The input does not have the form that its format demands.
#define KYSO_STATUS_MALFORMED 10

// The input asks for something that the library does not do.
#define KYSO_STATUS_UNSUPPORTED 11

// The input exceeds a limit; it may be hostile.
#define KYSO_STATUS_LIMIT_EXCEEDED 12

// The call is wrong: a null pointer, a number out of range, a contradiction.
#define KYSO_STATUS_MISUSE 20

// The document or a policy forbids it; nothing was written.
#define KYSO_STATUS_REFUSED 30

// A password or PIN is missing or wrong. It was tried once.
#define KYSO_STATUS_SECRET 40

// A token, its module or its driver failed.
#define KYSO_STATUS_TOKEN 41

// A service on the network could not be used.
#define KYSO_STATUS_FETCH 50

// A file could not be read or written.
#define KYSO_STATUS_IO 60

// A fault of the library. Handles of the call should only be freed.
#define KYSO_STATUS_INTERNAL 90

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// The version of this ABI. It rises when something here changes its meaning or
// goes away; a wrapper refuses any other than that which it was written for.
uint32_t kyso_abi_version(void);

// The version of the library, such as "0.1.0"; a string that ends in zero and is never freed.
const char *kyso_version(void);

// The status that came with the error; KYSO_STATUS_OK for null.
KysoStatus kyso_error_status(const KysoError *error);

// The message in English, UTF-8, without an end of zero; its length goes to
// `length` unless that is null. It lives as long as the error. Null for null.
//
// It never holds a secret, and may hold names and text of the input.
const uint8_t *kyso_error_message(const KysoError *error,
                                  size_t *length);

// Frees an error.
void kyso_error_free(KysoError *error);

// The octets; they live as long as the handle. Null for null.
const uint8_t *kyso_bytes_data(const KysoBytes *bytes);

// How many there are; 0 for null.
size_t kyso_bytes_length(const KysoBytes *bytes);

// Frees octets.
void kyso_bytes_free(KysoBytes *bytes);

// The one key of a PKCS#12 store. A store without a password has an empty one.
//
// The password is copied and wiped after use; the caller wipes its own.
// KYSO_STATUS_SECRET: the password is wrong, or the store was altered.
KysoStatus kyso_key_from_pkcs12(const uint8_t *store,
                                size_t store_length,
                                const uint8_t *password,
                                size_t password_length,
                                KysoKey **key,
                                KysoError **error);

// Frees a key and wipes it.
void kyso_key_free(KysoKey *key);

// A signature that shows nothing and says no more than it must.
KysoPdfSigning *kyso_pdf_signing_new(void);

// Sets one text, by its number KYSO_TEXT_...
KysoStatus kyso_pdf_signing_set_text(KysoPdfSigning *signing,
                                     int32_t which,
                                     const uint8_t *text,
                                     size_t text_length,
                                     KysoError **error);

// Makes the signature visible: on `page`, 1 being the first, with its lower
// left corner at `left` and `bottom`, in points as a person sees the page.
KysoStatus kyso_pdf_signing_set_rectangle(KysoPdfSigning *signing,
                                          uint32_t page,
                                          double left,
                                          double bottom,
                                          double width,
                                          double height,
                                          KysoError **error);

// Frees the settings of a signature.
void kyso_pdf_signing_free(KysoPdfSigning *signing);

// Signs a PDF document (PAdES, level B-B). `signing` may be null. `now` is the
// claimed signing time, in seconds since 1970-01-01T00:00:00Z.
//
// `signed_document` gets the whole document: the original octets, and what follows them.
KysoStatus kyso_pdf_sign(const uint8_t *document,
                         size_t document_length,
                         const KysoKey *key,
                         const KysoPdfSigning *signing,
                         int64_t now,
                         KysoBytes **signed_document,
                         KysoError **error);

// A validation for the time `at`, in seconds since 1970-01-01T00:00:00Z.
//
// Nothing is trusted yet: until kyso_validation_trust was called, nothing can pass.
KysoStatus kyso_validation_new(int64_t at,
                               KysoValidation **validation,
                               KysoError **error);

// Trusts every certificate of a file (PEM, DER, or a PKCS#7 bundle) as an
// anchor, under a name that the report repeats. May be called more than once.
KysoStatus kyso_validation_trust(KysoValidation *validation,
                                 const uint8_t *name,
                                 size_t name_length,
                                 const uint8_t *certificates,
                                 size_t certificates_length,
                                 KysoError **error);

// Sets the policy, as JSON; without this call it is the library's ETSI policy.
KysoStatus kyso_validation_set_policy(KysoValidation *validation,
                                      const uint8_t *policy,
                                      size_t policy_length,
                                      KysoError **error);

// Lets each document be validated by so many threads at a time: one, unless this is called. A large document
// that was changed after it was signed is judged sooner by two; the report is the same.
//
// KYSO_STATUS_MISUSE: `threads` is 0.
KysoStatus kyso_validation_set_threads(KysoValidation *validation,
                                       size_t threads,
                                       KysoError **error);

// Offers a CRL (DER or PEM). Nothing that is offered is trusted.
KysoStatus kyso_validation_add_crl(KysoValidation *validation,
                                   const uint8_t *crl,
                                   size_t crl_length,
                                   KysoError **error);

// Offers an OCSP response (DER).
KysoStatus kyso_validation_add_ocsp(KysoValidation *validation,
                                    const uint8_t *response,
                                    size_t response_length,
                                    KysoError **error);

// Offers certificates (PEM, DER, or a PKCS#7 bundle): issuers that a document does not hold.
KysoStatus kyso_validation_add_certificates(KysoValidation *validation,
                                            const uint8_t *certificates,
                                            size_t certificates_length,
                                            KysoError **error);

// Validates every signature and time-stamp of a PDF document.
//
// A signature that does not hold is no error: the call returns 0 and the
// report tells. KYSO_STATUS_MALFORMED: this is no PDF that two readers would
// see alike.
KysoStatus kyso_validation_pdf(const KysoValidation *validation,
                               const uint8_t *document,
                               size_t document_length,
                               KysoReport **report,
                               KysoError **error);

// Frees a validation.
void kyso_validation_free(KysoValidation *validation);

// What the report amounts to: KYSO_INDICATION_...
int32_t kyso_report_indication(const KysoReport *report);

// The whole report as JSON, with its schema version.
KysoStatus kyso_report_json(const KysoReport *report,
                            KysoBytes **json,
                            KysoError **error);

// Frees a report.
void kyso_report_free(KysoReport *report);

// Reads a message; its octets are copied. The payloads of attachments are not unpacked yet.
KysoStatus kyso_envelope_open(const uint8_t *message,
                              size_t message_length,
                              KysoEnvelope **envelope,
                              KysoError **error);

// How many attachments there are; 0 for null.
size_t kyso_envelope_attachment_count(const KysoEnvelope *envelope);

// A file name for an attachment, UTF-8, that leads into no other folder.
KysoStatus kyso_envelope_attachment_name(const KysoEnvelope *envelope,
                                         size_t index,
                                         KysoBytes **name,
                                         KysoError **error);

// The octets of an attachment, unpacked. Their signatures are not judged by this.
KysoStatus kyso_envelope_attachment_content(const KysoEnvelope *envelope,
                                            size_t index,
                                            KysoBytes **content,
                                            KysoError **error);

// Frees a message.
void kyso_envelope_free(KysoEnvelope *envelope);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* KYSO_H */
