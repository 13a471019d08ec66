"""What an agency may do, as methods: made from the API descriptions by `make client`."""

from typing import Any

from hub_and_spoke_client.connection import Answer, Connection, quoted


class Client(Connection):
    """Every operation of the network that an agency may use."""

    def delete_draft(self, draft_id: str) -> Answer:
        """Destroy your draft now, as after you have sent it. Nothing brings it back."""
        return self.send("DELETE", f"/v1/drafts/{quoted(draft_id)}")

    def get_advice(
        self,
        *,
        status: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
        if_none_match: str | None = None,
    ) -> Answer:
        """Your agency's questions, or those to your Hub, without what is in them."""
        query: dict[str, Any] = {"status": status, "cursor": cursor, "limit": limit}
        headers: dict[str, Any] = {"If-None-Match": if_none_match}
        return self.send("GET", "/v1/advice", query=query, headers=headers)

    def get_agency(self, agency_id: str, *, if_none_match: str | None = None) -> Answer:
        """An agency's entry: your own, or any of them for Hubs and operators."""
        headers: dict[str, Any] = {"If-None-Match": if_none_match}
        return self.send("GET", f"/v1/agencies/{quoted(agency_id)}", headers=headers)

    def get_agreement(self, agreement_id: str, *, if_none_match: str | None = None) -> Answer:
        """An agreement, for its parties."""
        headers: dict[str, Any] = {"If-None-Match": if_none_match}
        return self.send("GET", f"/v1/agreements/{quoted(agreement_id)}", headers=headers)

    def get_agreements(
        self,
        *,
        ending_before: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
        if_none_match: str | None = None,
    ) -> Answer:
        """Your agency's or your Hub's agreements that have not ended; an operator sees all of them."""
        query: dict[str, Any] = {"ending_before": ending_before, "cursor": cursor, "limit": limit}
        headers: dict[str, Any] = {"If-None-Match": if_none_match}
        return self.send("GET", "/v1/agreements", query=query, headers=headers)

    def get_area(self, code: str, *, if_none_match: str | None = None) -> Answer:
        """An area, and the Hub that serves it. One that only a Hub has has no revision."""
        headers: dict[str, Any] = {"If-None-Match": if_none_match}
        return self.send("GET", f"/v1/areas/{quoted(code)}", headers=headers)

    def get_areas(
        self,
        *,
        cursor: str | None = None,
        limit: int | None = None,
        if_none_match: str | None = None,
    ) -> Answer:
        """All areas, those that only a Hub has as well."""
        query: dict[str, Any] = {"cursor": cursor, "limit": limit}
        headers: dict[str, Any] = {"If-None-Match": if_none_match}
        return self.send("GET", "/v1/areas", query=query, headers=headers)

    def get_capability(self, *, if_none_match: str | None = None) -> Answer:
        """What of the standard is taken here: a FHIR CapabilityStatement."""
        headers: dict[str, Any] = {"If-None-Match": if_none_match}
        return self.send("GET", "/v1/bars/metadata", headers=headers)

    def get_checkpoint(self, *, if_none_match: str | None = None) -> Answer:
        """The newest checkpoint, a C2SP signed note."""
        headers: dict[str, Any] = {"If-None-Match": if_none_match}
        return self.send("GET", "/checkpoint", headers=headers)

    def get_checkpoint_of(self, size: str, *, if_none_match: str | None = None) -> Answer:
        """The checkpoint of exactly this size, if one was ever signed."""
        headers: dict[str, Any] = {"If-None-Match": if_none_match}
        return self.send("GET", f"/v1/checkpoints/{quoted(size)}", headers=headers)

    def get_consistency(
        self,
        *,
        first: int | None = None,
        second: int | None = None,
        if_none_match: str | None = None,
    ) -> Answer:
        """That the trail of size `second` only adds to that of size `first`."""
        query: dict[str, Any] = {"first": first, "second": second}
        headers: dict[str, Any] = {"If-None-Match": if_none_match}
        return self.send("GET", "/v1/proofs/consistency", query=query, headers=headers)

    def get_cosignatures(self, *, if_none_match: str | None = None) -> Answer:
        """The witnesses, and up to where each of them, and enough of them, vouch."""
        headers: dict[str, Any] = {"If-None-Match": if_none_match}
        return self.send("GET", "/v1/cosignatures", headers=headers)

    def get_delivery_attempts(
        self,
        recipient_id: str,
        *,
        cursor: str | None = None,
        limit: int | None = None,
        if_none_match: str | None = None,
    ) -> Answer:
        """What was sent to your webhook and your mailbox, or tried, the newest first. Pass `next` as
        `cursor` for the page behind it."""
        query: dict[str, Any] = {"cursor": cursor, "limit": limit}
        headers: dict[str, Any] = {"If-None-Match": if_none_match}
        return self.send(
            "GET",
            f"/v1/subscriptions/{quoted(recipient_id)}/attempts",
            query=query,
            headers=headers,
        )

    def get_desks(
        self,
        *,
        area: str | None = None,
        need: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        if_none_match: str | None = None,
    ) -> Answer:
        """The Hubs: which areas they are for, how their desk is reached, and who is on duty now."""
        query: dict[str, Any] = {"area": area, "need": need, "limit": limit, "cursor": cursor}
        headers: dict[str, Any] = {"If-None-Match": if_none_match}
        return self.send("GET", "/v1/directory/hubs", query=query, headers=headers)

    def get_directory(
        self,
        *,
        area: str | None = None,
        need: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        if_none_match: str | None = None,
    ) -> Answer:
        """Who can be asked: workers who show themselves, what they show, and whether they are away.
        On which cases they work, and why they are away, is said to nobody."""
        query: dict[str, Any] = {"area": area, "need": need, "limit": limit, "cursor": cursor}
        headers: dict[str, Any] = {"If-None-Match": if_none_match}
        return self.send("GET", "/v1/directory", query=query, headers=headers)

    def get_draft(self, draft_id: str, *, if_none_match: str | None = None) -> Answer:
        """Your draft, as you left it."""
        headers: dict[str, Any] = {"If-None-Match": if_none_match}
        return self.send("GET", f"/v1/drafts/{quoted(draft_id)}", headers=headers)

    def get_drafts(
        self,
        *,
        cursor: str | None = None,
        limit: int | None = None,
        if_none_match: str | None = None,
    ) -> Answer:
        """Your own drafts, without what is in them: the one made last first."""
        query: dict[str, Any] = {"cursor": cursor, "limit": limit}
        headers: dict[str, Any] = {"If-None-Match": if_none_match}
        return self.send("GET", "/v1/drafts", query=query, headers=headers)

    def get_entry(
        self, seq: str, *, purpose: str | None = None, if_none_match: str | None = None
    ) -> Answer:
        """The entry at one place: parsed, and the exact bytes of its leaf."""
        query: dict[str, Any] = {"purpose": purpose}
        headers: dict[str, Any] = {"If-None-Match": if_none_match}
        return self.send("GET", f"/v1/trail/{quoted(seq)}", query=query, headers=headers)

    def get_event(
        self, event_id: str, *, purpose: str | None = None, if_none_match: str | None = None
    ) -> Answer:
        """The entry of one event: parsed, and the exact bytes of its leaf."""
        query: dict[str, Any] = {"purpose": purpose}
        headers: dict[str, Any] = {"If-None-Match": if_none_match}
        return self.send(
            "GET", f"/v1/trail/events/{quoted(event_id)}", query=query, headers=headers
        )

    def get_history(
        self, referral_id: str, *, purpose: str | None = None, if_none_match: str | None = None
    ) -> Answer:
        """What was sent and every amendment since, with its author and time, and so every earlier
        value."""
        query: dict[str, Any] = {"purpose": purpose}
        headers: dict[str, Any] = {"If-None-Match": if_none_match}
        return self.send(
            "GET", f"/v1/referrals/{quoted(referral_id)}/history", query=query, headers=headers
        )

    def get_inclusion(
        self, *, seq: int | None = None, size: int | None = None, if_none_match: str | None = None
    ) -> Answer:
        """That entry `seq` is in the trail of `size` (the newest checkpoint's, unless given)."""
        query: dict[str, Any] = {"seq": seq, "size": size}
        headers: dict[str, Any] = {"If-None-Match": if_none_match}
        return self.send("GET", "/v1/proofs/inclusion", query=query, headers=headers)

    def get_intelligence(
        self,
        *,
        cursor: str | None = None,
        limit: int | None = None,
        if_none_match: str | None = None,
    ) -> Answer:
        """Your own reports, the newest first; to a Hub's manager and an area's coordinator those of
        their areas. Without words: read one to see them."""
        query: dict[str, Any] = {"cursor": cursor, "limit": limit}
        headers: dict[str, Any] = {"If-None-Match": if_none_match}
        return self.send("GET", "/v1/intelligence", query=query, headers=headers)

    def get_intelligence_report(
        self, report_id: str, *, purpose: str | None = None, if_none_match: str | None = None
    ) -> Answer:
        """A report, for who sent it, the Hub and the coordinator of its area, and the worker on the
        case it names; a partner agency, where an agreement and a ground permit `intelligence` of
        that young person. Its handling code and conditions bind you. That you looked is recorded."""
        query: dict[str, Any] = {"purpose": purpose}
        headers: dict[str, Any] = {"If-None-Match": if_none_match}
        return self.send(
            "GET", f"/v1/intelligence/{quoted(report_id)}", query=query, headers=headers
        )

    def get_keys(self, *, if_none_match: str | None = None) -> Answer:
        """The verifier keys with the size range each is valid for."""
        headers: dict[str, Any] = {"If-None-Match": if_none_match}
        return self.send("GET", "/v1/keys", headers=headers)

    def get_notifications(
        self,
        *,
        after: str | None = None,
        limit: int | None = None,
        wait: float | None = None,
        if_none_match: str | None = None,
    ) -> Answer:
        """Your inbox, oldest first. With `wait` the answer comes as soon as there is something, or
        empty after so many seconds."""
        query: dict[str, Any] = {"after": after, "limit": limit, "wait": wait}
        headers: dict[str, Any] = {"If-None-Match": if_none_match}
        return self.send("GET", "/v1/notifications", query=query, headers=headers)

    def get_one_advice(self, advice_id: str, *, if_none_match: str | None = None) -> Answer:
        """A question with all that was written, for the agency that asked and the Hub that answers.
        That you looked is recorded."""
        headers: dict[str, Any] = {"If-None-Match": if_none_match}
        return self.send("GET", f"/v1/advice/{quoted(advice_id)}", headers=headers)

    def get_problem_profile(
        self,
        *,
        area: str | None = None,
        quarter: str | None = None,
        format: str | None = None,
        if_none_match: str | None = None,
    ) -> Answer:
        """What an area knows of a quarter that has ended, in numbers without persons: for its
        coordinator, the manager of its Hub, and an agency by an agreement with the Hub that
        covers `intelligence`. It is counted once and stays so. There are no filters, on purpose:
        they could be subtracted."""
        query: dict[str, Any] = {"area": area, "quarter": quarter, "format": format}
        headers: dict[str, Any] = {"If-None-Match": if_none_match}
        return self.send("GET", "/v1/problem-profile", query=query, headers=headers)

    def get_referral(
        self, referral_id: str, *, purpose: str | None = None, if_none_match: str | None = None
    ) -> Answer:
        """A referral as you may see it now."""
        query: dict[str, Any] = {"purpose": purpose}
        headers: dict[str, Any] = {"If-None-Match": if_none_match}
        return self.send(
            "GET", f"/v1/referrals/{quoted(referral_id)}", query=query, headers=headers
        )

    def get_referral_links(self, referral_id: str, *, if_none_match: str | None = None) -> Answer:
        """What was reported about this referral and has something in common with other reports."""
        headers: dict[str, Any] = {"If-None-Match": if_none_match}
        return self.send("GET", f"/v1/referrals/{quoted(referral_id)}/links", headers=headers)

    def get_referrals(
        self,
        *,
        status: str | None = None,
        urgency: str | None = None,
        overdue: bool | None = None,
        agency_reference: str | None = None,
        changed_since: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
        if_none_match: str | None = None,
    ) -> Answer:
        """Your own referrals: those you sent, those allocated to you, or those of your Hub."""
        query: dict[str, Any] = {
            "status": status,
            "urgency": urgency,
            "overdue": overdue,
            "agency_reference": agency_reference,
            "changed_since": changed_since,
            "cursor": cursor,
            "limit": limit,
        }
        headers: dict[str, Any] = {"If-None-Match": if_none_match}
        return self.send("GET", "/v1/referrals", query=query, headers=headers)

    def get_replies(
        self,
        *,
        cursor: str | None = None,
        limit: int | None = None,
        if_none_match: str | None = None,
    ) -> Answer:
        """You said, we did: what Hubs did about what young people said. Everybody may know it."""
        query: dict[str, Any] = {"cursor": cursor, "limit": limit}
        headers: dict[str, Any] = {"If-None-Match": if_none_match}
        return self.send("GET", "/v1/participation/replies", query=query, headers=headers)

    def get_report_links(self, report_id: str, *, if_none_match: str | None = None) -> Answer:
        """What this report has in common with others. Where you may not read those, that a link
        exists and whom to speak with; to an agency only under an agreement with the Hub. That you
        looked is recorded."""
        headers: dict[str, Any] = {"If-None-Match": if_none_match}
        return self.send("GET", f"/v1/intelligence/{quoted(report_id)}/links", headers=headers)

    def get_response_message(self, referral_id: str, *, if_none_match: str | None = None) -> Answer:
        """How a referral stands, as a `servicerequest-response` message: accepted, rejected and why,
        the young person not brought, closed. While nothing changes it is the same message, by its
        id. That you looked is recorded."""
        headers: dict[str, Any] = {"If-None-Match": if_none_match}
        return self.send("GET", f"/v1/bars/responses/{quoted(referral_id)}", headers=headers)

    def get_subscription(self, recipient_id: str, *, if_none_match: str | None = None) -> Answer:
        """How you are told."""
        headers: dict[str, Any] = {"If-None-Match": if_none_match}
        return self.send("GET", f"/v1/subscriptions/{quoted(recipient_id)}", headers=headers)

    def get_trail(
        self,
        *,
        referral_id: str | None = None,
        subject_id: str | None = None,
        agency: str | None = None,
        recipient: str | None = None,
        worker: str | None = None,
        actor: str | None = None,
        type_: str | None = None,
        ground: str | None = None,
        outcome: str | None = None,
        asked: str | None = None,
        from_: str | None = None,
        to_: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
        purpose: str | None = None,
        if_none_match: str | None = None,
    ) -> Answer:
        """What happened, in the order it was recorded: JSON, or a line each for
        `application/x-ndjson`, with `size`, `complete_for` and `next` in the headers `Trail-
        Size`, `Trail-Complete-For` and `Trail-Next`."""
        query: dict[str, Any] = {
            "referral_id": referral_id,
            "subject_id": subject_id,
            "agency": agency,
            "recipient": recipient,
            "worker": worker,
            "actor": actor,
            "type": type_,
            "ground": ground,
            "outcome": outcome,
            "asked": asked,
            "from": from_,
            "to": to_,
            "cursor": cursor,
            "limit": limit,
            "purpose": purpose,
        }
        headers: dict[str, Any] = {"If-None-Match": if_none_match}
        return self.send("GET", "/v1/trail", query=query, headers=headers)

    def get_unread_first(
        self,
        *,
        cursor: str | None = None,
        limit: int | None = None,
        if_none_match: str | None = None,
    ) -> Answer:
        """Your inbox for a desk: what nobody has opened first, the newest of it first; then what
        was. Pass `next` as `cursor` for the page behind it."""
        query: dict[str, Any] = {"cursor": cursor, "limit": limit}
        headers: dict[str, Any] = {"If-None-Match": if_none_match}
        return self.send("GET", "/v1/notifications/unread-first", query=query, headers=headers)

    def post_acted(self, notification_id: str, body: Any) -> Answer:
        """Say who did what about it, and what came of it. Sharing is no intervention in itself:
        until this is said, you will be asked again."""
        return self.send("POST", f"/v1/notifications/{quoted(notification_id)}/acted", body=body)

    def post_advice(self, body: Any, *, idempotency_key: str | None = None) -> Answer:
        """Ask the Hub of an area about a worry. Name no child: where one must be named, refer. You
        hear of the answer as of a referral. `409 area_not_served` where no Hub would hear it."""
        headers: dict[str, Any] = {"idempotency-key": idempotency_key}
        return self.send("POST", "/v1/advice", headers=headers, body=body)

    def post_advice_closure(self, advice_id: str, body: Any) -> Answer:
        """What came of it. Where it became a referral, name it: the two are kept together."""
        return self.send("POST", f"/v1/advice/{quoted(advice_id)}/closure", body=body)

    def post_advice_message(
        self, advice_id: str, body: Any, *, idempotency_key: str | None = None
    ) -> Answer:
        """Write further, as who asked or as the Hub. At most 30 messages; then phone."""
        headers: dict[str, Any] = {"idempotency-key": idempotency_key}
        return self.send(
            "POST", f"/v1/advice/{quoted(advice_id)}/messages", headers=headers, body=body
        )

    def post_amendment(self, referral_id: str, body: Any, *, if_match: str | None = None) -> Answer:
        """Add or correct something after sending: a merge patch (RFC 7396). What it does not name
        stays, null removes; texts and indicators are added to. Who wrote what, and what was there
        before, is kept."""
        headers: dict[str, Any] = {"if-match": if_match}
        return self.send(
            "POST", f"/v1/referrals/{quoted(referral_id)}/amendments", headers=headers, body=body
        )

    def post_answers(self, body: Any) -> Answer:
        """What a young person says, once for a card; the same again is told the same. It is
        encrypted, for whom they choose to read; for nobody: it is counted with others, and
        nothing leads to them."""
        return self.send("POST", "/v1/participation/answers", body=body)

    def post_batch(self, body: Any, *, validate_only: bool | None = None) -> Answer:
        """Refer many: one JSON document per line (NDJSON), at most 1,000 lines and 1 MiB."""
        query: dict[str, Any] = {"validate_only": validate_only}
        return self.send("POST", "/v1/referrals/batch", query=query, body=body)

    def post_card(self, body: Any) -> Answer:
        """How a card stands, by its code: what it is for, and whether it was used. `409
        code_unknown` for a code that is none: those are counted, by address and in all."""
        return self.send("POST", "/v1/participation/cards", body=body)

    def post_card_withdrawal(self, body: Any) -> Answer:
        """Take back what was said by a card: its words are destroyed, and it is counted no more. How
        not to get in touch stays as it was asked."""
        return self.send("POST", "/v1/participation/withdrawals", body=body)

    def post_consent(
        self, referral_id: str, body: Any, *, idempotency_key: str | None = None
    ) -> Answer:
        """Record what the young person or a parent said about sharing. A change of mind is a new
        record. Once this is answered, a refusal or withdrawal holds for every look that follows."""
        headers: dict[str, Any] = {"idempotency-key": idempotency_key}
        return self.send(
            "POST", f"/v1/referrals/{quoted(referral_id)}/consents", headers=headers, body=body
        )

    def post_cosignature(self, body: Any) -> Answer:
        """Send what you cosigned as a witness. It is kept if one of the network's witnesses signed
        it, and it is a checkpoint of this trail; an older one, or one signed earlier, changes
        nothing."""
        return self.send("POST", "/v1/cosignatures", body=body)

    def post_discussion(
        self, referral_id: str, body: Any, *, if_match: str | None = None
    ) -> Answer:
        """Record what was discussed with the young person and what they wish, or why it was not."""
        headers: dict[str, Any] = {"if-match": if_match}
        return self.send(
            "POST", f"/v1/referrals/{quoted(referral_id)}/discussion", headers=headers, body=body
        )

    def post_draft(self, body: Any) -> Answer:
        """Keep what you have filled in so far, to go on later. Only your own account reads it,
        called as this agency: not your colleagues, nor anybody of the network. It is destroyed 30
        days after its last change. A draft is no referral: nobody sees it, and nothing happens
        until you send one."""
        return self.send("POST", "/v1/drafts", body=body)

    def post_end(self, agreement_id: str) -> Answer:
        """End it now. Any party may, at any time."""
        return self.send("POST", f"/v1/agreements/{quoted(agreement_id)}/end")

    def post_intelligence(self, body: Any, *, idempotency_key: str | None = None) -> Answer:
        """Report what you know or noticed, also where no child is known: people, phones, vehicles,
        places, each as what. Send the same request again, with the same `Idempotency-Key`, as
        often as you like. Words and names are encrypted; the coordinator of the area and its Hub
        read them."""
        headers: dict[str, Any] = {"idempotency-key": idempotency_key}
        return self.send("POST", "/v1/intelligence", headers=headers, body=body)

    def post_intelligence_withdrawal(
        self, report_id: str, body: Any, *, if_match: str | None = None
    ) -> Answer:
        """Take a report back: yours, or, as the coordinator, one of your area. Nothing is found by
        it any more, partners read it no longer, and it is destroyed after a year."""
        headers: dict[str, Any] = {"if-match": if_match}
        return self.send(
            "POST", f"/v1/intelligence/{quoted(report_id)}/withdrawal", headers=headers, body=body
        )

    def post_invalidation(self, referral_id: str, consent_id: str, body: Any) -> Answer:
        """A consent was recorded by mistake: it never counted, and what was told on it is retracted.
        For the agency that recorded it, and the Hub; a no about an agency is not for that agency
        to undo. What was said and is not meant any more is withdrawn instead."""
        return self.send(
            "POST",
            f"/v1/referrals/{quoted(referral_id)}/consents/{quoted(consent_id)}/invalidation",
            body=body,
        )

    def post_mailbox_confirmation(self, recipient_id: str, body: Any) -> Answer:
        """Send back the code that was mailed: from then on the address is used."""
        return self.send(
            "POST", f"/v1/subscriptions/{quoted(recipient_id)}/confirmation", body=body
        )

    def post_message(self, body: Any) -> Answer:
        """Refer, amend or withdraw by a message of the NHS Booking and Referral Standard."""
        return self.send("POST", "/v1/bars/$process-message", body=body)

    def post_notification_replay(self, body: Any) -> Answer:
        """Send again what this recipient was sent in a window of time: new attempts, same ids. What
        is withheld, retracted or still waiting is left alone, and every ground is looked at
        again."""
        return self.send("POST", "/v1/notifications/replays", body=body)

    def post_opened(self, notification_id: str, body: Any) -> Answer:
        """Say that a person has opened it. Safe to repeat; the first time counts."""
        return self.send("POST", f"/v1/notifications/{quoted(notification_id)}/opened", body=body)

    def post_referral(
        self, body: Any, *, validate_only: bool | None = None, idempotency_key: str | None = None
    ) -> Answer:
        """Refer a young person."""
        query: dict[str, Any] = {"validate_only": validate_only}
        headers: dict[str, Any] = {"idempotency-key": idempotency_key}
        return self.send("POST", "/v1/referrals", query=query, headers=headers, body=body)

    def post_referrals_import(self, body: Any, *, validate_only: bool | None = None) -> Answer:
        """Refer many from a file: a table (CSV) or the children in need census (XML), at most 1,000
        referrals and 1 MiB; `python -m services.referral.imports` sends larger ones in parts."""
        query: dict[str, Any] = {"validate_only": validate_only}
        return self.send("POST", "/v1/referrals/import", query=query, body=body)

    def post_secret(self, recipient_id: str) -> Answer:
        """A new signing secret. For a day every call carries both signatures, so that you can switch
        when it suits you; within that day there is no other, and this one is not told again."""
        return self.send("POST", f"/v1/subscriptions/{quoted(recipient_id)}/secret")

    def post_signature(self, agreement_id: str, body: Any) -> Answer:
        """Sign for your agency or your Hub, and for one of them only. Twice is once; changed terms
        must be read again."""
        return self.send("POST", f"/v1/agreements/{quoted(agreement_id)}/signatures", body=body)

    def post_step(
        self, referral_id: str, step: str, body: Any, *, if_match: str | None = None
    ) -> Answer:
        """Take a referral one step further."""
        headers: dict[str, Any] = {"if-match": if_match}
        return self.send(
            "POST",
            f"/v1/referrals/{quoted(referral_id)}/steps/{quoted(step)}",
            headers=headers,
            body=body,
        )

    def post_subscription_test(self, recipient_id: str) -> Answer:
        """Send a test to your webhook and your mailbox now, and hear what came of it. It is about
        nobody, and counts for nothing; an address that isn't proved yet gets none."""
        return self.send("POST", f"/v1/subscriptions/{quoted(recipient_id)}/test")

    def put_agency(self, agency_id: str, body: Any, *, if_match: str | None = None) -> Answer:
        """Register an agency; or, with `If-Match`, amend it. The same entry again changes nothing."""
        headers: dict[str, Any] = {"if-match": if_match}
        return self.send("PUT", f"/v1/agencies/{quoted(agency_id)}", headers=headers, body=body)

    def put_draft(self, draft_id: str, body: Any, *, if_match: str | None = None) -> Answer:
        """Put all of these answers in the place of the ones before. The same again changes nothing,
        nor when it is destroyed."""
        headers: dict[str, Any] = {"if-match": if_match}
        return self.send("PUT", f"/v1/drafts/{quoted(draft_id)}", headers=headers, body=body)

    def put_service_agreement(self, referral_id: str, body: Any) -> Answer:
        """Whether the young person wants the service. Declining blocks no lawful-basis decision. The
        answer is what was said through this referral: what others recorded is for the Hub."""
        return self.send("PUT", f"/v1/referrals/{quoted(referral_id)}/service-agreement", body=body)

    def put_subscription(self, recipient_id: str, body: Any) -> Answer:
        """Say how you want to be told, or change it. An agency's webhook is first sent a `challenge`
        that it must answer with the same; an e-mail address is first sent a code."""
        return self.send("PUT", f"/v1/subscriptions/{quoted(recipient_id)}", body=body)

    def put_tell_parents(self, referral_id: str, body: Any) -> Answer:
        """What the young person said about telling their parents. 'No' holds from the answer on, for
        every notice and every view: accounts of parents read and hear nothing. It ends when the
        young person says otherwise later, recorded by who recorded the 'no' or by the Hub; or
        when the worker or a manager of the Hub decides so, with a reason."""
        return self.send("PUT", f"/v1/referrals/{quoted(referral_id)}/tell-parents", body=body)

    def stream_notifications(
        self, *, last_event_id: str | None = None, if_none_match: str | None = None
    ) -> Answer:
        """Your inbox as server-sent events. It ends after five minutes, or with your token: connect
        again with the `Last-Event-ID` that you have, as browsers do by themselves."""
        headers: dict[str, Any] = {"last-event-id": last_event_id, "If-None-Match": if_none_match}
        return self.send("GET", "/v1/notifications/stream", headers=headers)
