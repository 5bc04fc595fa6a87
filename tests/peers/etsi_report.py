"""Reads a report by ETSI TS 119 102-2 with pyHanko's bindings of its schema, strictly.

etsi_report.py FILE
"""

import sys

from pyhanko.generated.etsi import ts_11910202
from xsdata.formats.dataclass.parsers import XmlParser
from xsdata.formats.dataclass.parsers.config import ParserConfig

config = ParserConfig(fail_on_unknown_properties=True, fail_on_unknown_attributes=True, fail_on_converter_warnings=True)
report = XmlParser(config=config).parse(sys.argv[1], ts_11910202.ValidationReport)
known = {o.id for o in report.signature_validation_objects.validation_object}


def check(part):
    """Every reference leads to an object, and what the schema requires is there."""
    for name, field in getattr(part, "__dataclass_fields__", {}).items():
        value = getattr(part, name)
        if field.metadata.get("required"):
            assert value is not None, f"{type(part).__name__} lacks {name}"
        if name == "voreference":
            assert set(value) <= known, f"dangling {value}"
        for inner in value if isinstance(value, (list, tuple)) else [value]:
            check(inner)


check(report)
for signature in report.signature_validation_report:
    print(signature.signature_validation_status.main_indication, *signature.signature_validation_status.sub_indication)
