"""The structs of the Arrow C data and stream interfaces."""

from __future__ import annotations

import ctypes
from ctypes import CFUNCTYPE, POINTER, Structure, c_char_p, c_int, c_int64, c_void_p, pythonapi

NAME = b"arrow_array_stream"
NULLABLE = 2


class CSchema(Structure):
    """`struct ArrowSchema`."""


class CArray(Structure):
    """`struct ArrowArray`."""


class CStream(Structure):
    """`struct ArrowArrayStream`."""


SchemaRelease = CFUNCTYPE(None, POINTER(CSchema))
ArrayRelease = CFUNCTYPE(None, POINTER(CArray))
StreamRelease = CFUNCTYPE(None, POINTER(CStream))
GetSchema = CFUNCTYPE(c_int, POINTER(CStream), POINTER(CSchema))
GetNext = CFUNCTYPE(c_int, POINTER(CStream), POINTER(CArray))
GetLastError = CFUNCTYPE(c_void_p, POINTER(CStream))

CSchema._fields_ = [
    ("format", c_char_p),
    ("name", c_char_p),
    ("metadata", c_void_p),
    ("flags", c_int64),
    ("n_children", c_int64),
    ("children", POINTER(POINTER(CSchema))),
    ("dictionary", POINTER(CSchema)),
    ("release", SchemaRelease),
    ("private_data", c_void_p),
]
CArray._fields_ = [
    ("length", c_int64),
    ("null_count", c_int64),
    ("offset", c_int64),
    ("n_buffers", c_int64),
    ("n_children", c_int64),
    ("buffers", POINTER(c_void_p)),
    ("children", POINTER(POINTER(CArray))),
    ("dictionary", POINTER(CArray)),
    ("release", ArrayRelease),
    ("private_data", c_void_p),
]
CStream._fields_ = [
    ("get_schema", GetSchema),
    ("get_next", GetNext),
    ("get_last_error", GetLastError),
    ("release", StreamRelease),
    ("private_data", c_void_p),
]

Destructor = ctypes.PYFUNCTYPE(None, c_void_p)
new_capsule = ctypes.PYFUNCTYPE(ctypes.py_object, c_void_p, c_char_p, Destructor)(("PyCapsule_New", pythonapi))
pointer_of = ctypes.PYFUNCTYPE(c_void_p, ctypes.py_object, c_char_p)(("PyCapsule_GetPointer", pythonapi))
dying_pointer_of = ctypes.PYFUNCTYPE(c_void_p, c_void_p, c_char_p)(("PyCapsule_GetPointer", pythonapi))
"""As `pointer_of`, for a capsule that is being deallocated and must not be counted again."""
