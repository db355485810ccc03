"""What each fault of the bulk double does on the wire.

A fault is a function (conn, rule, perform): `conn` is the connection (bulk_http.Connection),
`perform(apply, failed_rules)` does the request and returns (status, payload). Whether the documents
are stored first is the rule's `applied`.
"""

import json
import time

STATUS_ERRORS = {
    400: ("illegal_argument_exception", "scripted: the request is malformed"),
    401: ("security_exception", "missing authentication credentials for REST request"),
    403: ("security_exception", "action [indices:data/write/bulk] is unauthorized"),
    404: ("index_not_found_exception", "no such index"),
    413: ("content_too_long_exception", "Request Entity Too Large"),
    429: ("es_rejected_execution_exception", "rejected execution of coordinating operation"),
}
HTML = b"<html><head><title>Gateway</title></head><body><h1>It works</h1></body></html>"


def error_payload(status, kind=None, reason=None):
    default = STATUS_ERRORS.get(status, ("exception", "scripted failure"))
    cause = {"type": kind or default[0], "reason": reason or default[1]}
    return {"error": {"root_cause": [cause], **cause}, "status": status}


def _body(rule, perform):
    return json.dumps(perform(rule.applied)[1]).encode()


def status(conn, rule, perform):
    if rule.applied:
        perform(True)
    code = rule.params["status"]
    payload = error_payload(code)
    if rule.params["error"]:
        payload["error"] = rule.params["error"]
    after = rule.params["retry_after"]
    conn.send_json(code, payload, {} if after is None else {"Retry-After": str(after)})


def items(conn, rule, perform):
    conn.send_json(*perform(rule.applied, rule.params["items"]))


def garbled(conn, rule, perform):
    body = _body(rule, perform)
    conn.send_body(200, body[: len(body) // 2] + b'\x00{"]:,')


def html(conn, rule, perform):
    _body(rule, perform)
    conn.send_body(200, HTML, "text/html")


def truncated(conn, rule, perform):
    body = _body(rule, perform)
    conn.send_head(200, len(body) + 1000)
    conn.write(body)
    conn.cut()


def empty(conn, rule, perform):
    _body(rule, perform)
    conn.send_body(200, b"")


def wrong_count(conn, rule, perform):
    code, payload = perform(rule.applied)
    keep = max(0, len(payload.get("items", [])) - rule.params["missing"])
    payload["items"] = payload.get("items", [])[:keep]
    conn.send_json(code, payload)


def late(conn, rule, perform):
    """The delay is before or after applying: with "before" the documents land late, even when the
    client has gone away meanwhile."""
    if rule.params["when"] == "before":
        conn.wait(rule.params["seconds"])
    reply = perform(rule.applied)
    if rule.params["when"] == "after":
        conn.wait(rule.params["seconds"])
    conn.send_json(*reply)


def _end(conn, rule, perform, end):
    if rule.at_request():
        conn.read_half()
    else:
        body = _body(rule, perform)
        if rule.params["at"] == "mid_reply":
            conn.send_head(200, len(body))
            conn.write(body[: len(body) // 2])
    end()


def cut(conn, rule, perform):
    _end(conn, rule, perform, conn.cut)


def reset(conn, rule, perform):
    _end(conn, rule, perform, conn.reset)


def drip(conn, rule, perform):
    body = _body(rule, perform)
    conn.send_head(200, len(body))
    for place in range(len(body)):
        if conn.wait(1.0 / rule.params["bytes_per_second"]):
            break
        conn.write(body[place : place + 1])


def redirect(conn, rule, perform):
    if rule.applied:
        perform(True)
    conn.send_body(rule.params["status"], b"", extra={"Location": rule.params["location"]})


def hang(conn, rule, perform):
    if rule.applied:
        perform(True)
    conn.wait_client(rule.params["seconds"])
    conn.cut()


def huge(conn, rule, perform):
    if rule.applied:
        perform(True)
    conn.send_head(200, None)
    limit = rule.params["limit_mb"]
    end = None if limit is None else limit * 16
    chunk = b'{"index":{"_id":"' + b"x" * 65515 + b'"}},'
    sent = 0
    while not conn.stopping() and (end is None or sent < end):
        conn.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        sent += 1
    conn.cut()


def echo(conn, rule, perform):
    """The error repeats what the client sent, secrets included: a client must not log it whole."""
    if rule.applied:
        perform(True)
    seen = "; ".join(f"{name}: {value}" for name, value in conn.request_headers())
    code = rule.params["status"]
    conn.send_json(code, error_payload(code, "echo_exception", f"bad request with headers [{seen}]"))


def run(conn, rule, perform):
    started = time.monotonic()
    try:
        FUNCTIONS[rule.fault](conn, rule, perform)
    finally:
        conn.note_fault(rule, time.monotonic() - started)


FUNCTIONS = {
    function.__name__: function
    for function in (
        cut,
        drip,
        echo,
        empty,
        garbled,
        hang,
        html,
        huge,
        items,
        late,
        redirect,
        reset,
        status,
        truncated,
        wrong_count,
    )
}
