"""The same from Python: a wrapper in a few lines over the header, with cffi.

client.py LIBRARY HEADER P12 PASSWORD PDF ROOT CRL TIME
"""

import json
import re
import sys

from cffi import FFI


class KysoError(Exception):
    def __init__(self, status, message):
        super().__init__(f"{message} (status {status})")
        self.status = status


class Kyso:
    def __init__(self, library, header):
        self.ffi = FFI()
        text = open(header, encoding="utf-8").read()
        text = re.sub(r"/\*.*?\*/|//[^\n]*", "", text, flags=re.S)
        text = re.sub(r"^#ifdef __cplusplus\n.*?^#endif[^\n]*\n", "", text, flags=re.S | re.M)
        constants = dict(re.findall(r"^#define (KYSO_\w+) (-?\d+)$", text, flags=re.M))
        text = re.sub(r"^#.*$", "", text, flags=re.M)
        self.ffi.cdef(text)
        self.lib = self.ffi.dlopen(library)
        self.constants = {name: int(value) for name, value in constants.items()}
        assert self.lib.kyso_abi_version() == 1

    def call(self, function, *arguments):
        error = self.ffi.new("KysoError **")
        status = getattr(self.lib, function)(*arguments, error)
        if status:
            length = self.ffi.new("size_t *")
            message = self.lib.kyso_error_message(error[0], length)
            text = self.ffi.buffer(message, length[0])[:].decode()
            self.lib.kyso_error_free(error[0])
            raise KysoError(status, text)

    def octets(self, octets):
        # The buffer must outlive the call, so it is handed out with its length.
        return self.ffi.from_buffer("uint8_t[]", octets), len(octets)

    def take(self, place):
        octets = self.ffi.buffer(self.lib.kyso_bytes_data(place[0]), self.lib.kyso_bytes_length(place[0]))[:]
        self.lib.kyso_bytes_free(place[0])
        return octets

    def key(self, pkcs12, password):
        place = self.ffi.new("KysoKey **")
        self.call("kyso_key_from_pkcs12", *self.octets(pkcs12), *self.octets(password.encode()), place)
        return self.ffi.gc(place[0], self.lib.kyso_key_free)

    def sign_pdf(self, document, key, now):
        place = self.ffi.new("KysoBytes **")
        self.call("kyso_pdf_sign", *self.octets(document), key, self.ffi.NULL, now, place)
        return self.take(place)

    def validate_pdf(self, document, now, root, crl):
        place = self.ffi.new("KysoValidation **")
        self.call("kyso_validation_new", now, place)
        validation = self.ffi.gc(place[0], self.lib.kyso_validation_free)
        self.call("kyso_validation_set_threads", validation, 2)
        self.call("kyso_validation_trust", validation, *self.octets(b"test"), *self.octets(root))
        self.call("kyso_validation_add_crl", validation, *self.octets(crl))
        place = self.ffi.new("KysoReport **")
        self.call("kyso_validation_pdf", validation, *self.octets(document), place)
        report = self.ffi.gc(place[0], self.lib.kyso_report_free)
        place = self.ffi.new("KysoBytes **")
        self.call("kyso_report_json", report, place)
        return json.loads(self.take(place))


def main():
    library, header, p12, password, pdf, root, crl, now = sys.argv[1:]
    p12, pdf, root, crl = (open(path, "rb").read() for path in (p12, pdf, root, crl))
    now = int(now)
    kyso = Kyso(library, header)
    try:
        kyso.key(p12, "wrong")
        raise SystemExit("a wrong password was accepted")
    except KysoError as e:
        assert e.status == kyso.constants["KYSO_STATUS_SECRET"], e
    key = kyso.key(p12, password)
    signed = kyso.sign_pdf(pdf, key, now)
    assert signed.startswith(pdf)
    report = kyso.validate_pdf(signed, now + 60, root, crl)
    assert report["indication"] == "TOTAL-PASSED", json.dumps(report, indent=1)
    tampered = bytearray(signed)
    tampered[len(pdf) // 2] ^= 1
    try:
        report = kyso.validate_pdf(bytes(tampered), now + 60, root, crl)
        assert report["indication"] != "TOTAL-PASSED"
    except KysoError as e:
        assert e.status < 20, e
    print("ok")


main()
