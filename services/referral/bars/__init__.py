"""Referrals as messages of the NHS Booking and Referral Standard (FHIR R4), in and out."""
