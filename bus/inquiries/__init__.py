"""Inquiries: what data subjects ask of the bus, such as "who got my data?", and the three times 24 hours for the answer.

What the room offers: `Inquiries` opens, lists and closes them. An inquiry holds the end of the person's identifier alone.
"""

from bus.inquiries.inquiry import (
    HOURS,
    Inquiry,
    InquiryClosed,
    InquiryMalformed,
    InquiryUnknown,
    NewInquiry,
    mask_person,
)
from bus.inquiries.register import Inquiries

__all__ = [
    "HOURS",
    "Inquiries",
    "Inquiry",
    "InquiryClosed",
    "InquiryMalformed",
    "InquiryUnknown",
    "NewInquiry",
    "mask_person",
]
