"""The common base of all records."""

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """A canonical model shared by all: immutable, tolerant of fields added later, silent about its input in errors."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)
