"""Runs scripts, each in a process of its own, forked from this one.

The modules of pyHanko are imported once: that takes a second, far more than
most of the scripts do. One request per line on standard input, as JSON with
`script` and `arguments`; one answer per line, with `success` and `text`.
"""

import json
import os
import sys
import traceback

import pyhanko.keys  # noqa: F401
import pyhanko.pdf_utils.crypt  # noqa: F401
import pyhanko.pdf_utils.reader  # noqa: F401
import pyhanko.sign.fields  # noqa: F401
import pyhanko.sign.signers  # noqa: F401
import pyhanko.sign.validation.ades  # noqa: F401


def child(request, write):
    os.dup2(write, 1)
    os.dup2(write, 2)
    sys.argv = ['-c', *request['arguments']]
    code = 0
    try:
        exec(compile(request['script'], '<script>', 'exec'), {'__name__': '__main__'})
    except SystemExit as end:
        code = 0 if end.code is None else 1
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


for line in sys.stdin:
    request = json.loads(line)
    read, write = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(read)
        child(request, write)
    os.close(write)
    with os.fdopen(read, 'rb') as pipe:
        text = pipe.read().decode('utf-8', 'replace')
    _, status = os.waitpid(process, 0)
    print(json.dumps({'success': status == 0, 'text': text}), flush=True)
