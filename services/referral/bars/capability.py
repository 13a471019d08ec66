"""What of the standard is taken here, as a FHIR CapabilityStatement. Pure."""

from typing import Any

CAPABILITY: dict[str, Any] = {
    "resourceType": "CapabilityStatement",
    "id": "hub-and-spoke-referrals",
    "name": "ReferralNetwork",
    "status": "active",
    "experimental": False,
    "date": "2026-11-27",
    "kind": "instance",
    "software": {"name": "Hub and Spoke referral network"},
    "implementation": {
        "description": "Referrals of children and young people at risk of exploitation. Messages of "
        "the NHS Booking and Referral Standard are taken as referrals; there is nothing to book."
    },
    "fhirVersion": "4.0.1",
    "format": ["json"],
    "rest": [
        {
            "mode": "server",
            "documentation": "docs/bars.md says how a message is read and what is answered.",
            "security": {
                "service": [
                    {
                        "coding": [
                            {
                                "system": "http://terminology.hl7.org/CodeSystem/"
                                "restful-security-service",
                                "code": "OAuth",
                            }
                        ]
                    }
                ],
                "description": "An access token of your agency, as for the JSON interface.",
            },
            "operation": [
                {
                    "name": "process-message",
                    "definition": "http://hl7.org/fhir/OperationDefinition/"
                    "MessageHeader-process-message",
                }
            ],
        }
    ],
    "messaging": [
        {
            "reliableCache": 0,
            "documentation": "servicerequest-request: new, update, and by the status of the "
            "ServiceRequest revoked and entered-in-error. Responses are fetched, or sent to a webhook.",
            "supportedMessage": [
                {
                    "mode": "receiver",
                    "definition": "https://fhir.nhs.uk/MessageDefinition/"
                    "bars-message-servicerequest-request-referral",
                }
            ],
        }
    ],
}
