"""The script of the bulk double: which request gets which fault.

A script is a list of rules. A request takes the first rule that is not used up and fits it; a
request that fits none is answered normally. Keys of every rule:

  on         bulk (default), head, put, get, delete, count, doc, search, refresh, root, any
  times      how many requests it hits: a number (default 1) or "always"
  after      let this many fitting requests pass first (default 0)
  index      only requests for this index in the path
  max_bytes  only bodies above this size, after gzip
  applied    whether the documents are stored before the fault (default: the table below)
  fault      one of FAULTS; may be left out beside `status` ("status") or `items` ("items")

The other keys belong to the fault; an unknown one is an error.
"""

import threading
from dataclasses import dataclass, field

# fault -> (are the documents stored before it, by default; its own keys with their defaults)
FAULTS = {
    "status": (False, {"status": 500, "retry_after": None, "error": None}),
    "items": (True, {"items": None}),
    "garbled": (True, {}),
    "html": (True, {}),
    "truncated": (True, {}),
    "empty": (True, {}),
    "wrong_count": (True, {"missing": 1}),
    "late": (True, {"seconds": 1.0, "when": "before"}),
    "cut": (True, {"at": "reply"}),
    "reset": (True, {"at": "reply"}),
    "drip": (True, {"bytes_per_second": 1.0}),
    "redirect": (False, {"location": "http://127.0.0.1:9/", "status": 302}),
    "hang": (False, {"seconds": None}),
    "huge": (True, {"limit_mb": None}),
    "echo": (False, {"status": 400}),
}
COMMON = {"on", "times", "after", "index", "max_bytes", "applied", "fault"}
KINDS = {"bulk", "head", "put", "get", "delete", "count", "doc", "search", "refresh", "root", "any"}
CHOICES = {"at": ("request", "reply", "mid_reply"), "when": ("before", "after")}
ITEM_KEYS = {"match", "every", "first", "status", "error"}
ITEM_ERRORS = {
    400: ("document_parsing_exception", "failed to parse field"),
    404: ("document_missing_exception", "document missing"),
    409: ("version_conflict_engine_exception", "version conflict"),
    429: ("es_rejected_execution_exception", "rejected execution of coordinating operation"),
}


class BadRule(ValueError):
    """The script is wrong; the message names the rule's key."""


@dataclass
class Rule:
    fault: str
    on: str = "bulk"
    left: float = 1
    after: int = 0
    index: str = None
    max_bytes: int = None
    applied: bool = True
    params: dict = field(default_factory=dict)
    hits: int = 0

    def fits(self, kind, index):
        return self.left > 0 and self.on in (kind, "any") and self.index in (None, index)

    def at_request(self):
        return self.params.get("at") == "request"

    def use(self):
        """True when this request gets the fault, False while `after` lets it pass."""
        if self.after > 0:
            self.after -= 1
            return False
        self.left -= 1
        self.hits += 1
        return True


def make_rule(raw):
    raw = dict(raw)
    fault = raw.get("fault") or ("items" if "items" in raw else "status" if "status" in raw else None)
    if fault not in FAULTS:
        raise BadRule(f"unknown fault {fault!r}; there are: {', '.join(sorted(FAULTS))}")
    applied, params = FAULTS[fault]
    unknown = set(raw) - COMMON - set(params)
    if unknown:
        raise BadRule(f"fault {fault!r} has no key {min(unknown)!r}")
    params = {**params, **{name: raw[name] for name in params if name in raw}}
    _check_choices(raw, params)
    if fault == "items":
        params["items"] = _item_rules(params["items"])
    at_request = params.get("at") == "request"
    if at_request and (raw.get("applied") or "max_bytes" in raw):
        raise BadRule("a fault at the request comes before its body is read")
    return Rule(
        fault=fault,
        on=raw.get("on", "bulk"),
        left=_times(raw),
        after=raw.get("after", 0),
        index=raw.get("index"),
        max_bytes=raw.get("max_bytes"),
        applied=bool(raw.get("applied", applied)) and not at_request,
        params=params,
    )


def _times(raw):
    times = raw.get("times", 1)
    if times == "always":
        return float("inf")
    if not isinstance(times, int) or times < 1:
        raise BadRule('times is a number above 0 or "always"')
    return times


def _check_choices(raw, params):
    if raw.get("on", "bulk") not in KINDS:
        raise BadRule(f"unknown value for on: {raw['on']!r}")
    for name, allowed in CHOICES.items():
        if name in params and params[name] not in allowed:
            raise BadRule(f"{name} is one of {', '.join(allowed)}")


def _item_rules(raw):
    rules = raw if isinstance(raw, list) else [raw]
    for rule in rules:
        unknown = set(rule) - ITEM_KEYS
        if unknown:
            raise BadRule(f"items has no key {min(unknown)!r}")
        if len({"match", "every", "first"} & set(rule)) != 1:
            raise BadRule("items wants exactly one of match, every, first")
    return rules


def failed_items(rules, ops):
    """place of the operation -> (status, error), for bulk_store.Store.bulk."""
    failed = {}
    for place, (op, meta, _) in enumerate(ops):
        for rule in rules:
            if _hits(rule, place, dict(meta, op=op)):
                failed[place] = _item_failure(rule, meta)
                break
    return failed


def _hits(rule, place, meta):
    if "match" in rule:
        return all(str(meta.get(name)) == str(value) for name, value in rule["match"].items())
    if "every" in rule:
        return (place + 1) % rule["every"] == 0
    return place < rule["first"]


def _item_failure(rule, meta):
    status = rule.get("status", 400)
    kind, reason = ITEM_ERRORS.get(status, ("exception", "scripted failure"))
    return status, rule.get("error") or {"type": kind, "reason": f"[{meta.get('_id')}]: {reason}"}


class Script:
    """The rules in order; safe to use from every connection's thread."""

    def __init__(self):
        self.lock = threading.Lock()
        self.rules = []

    def load(self, raw, append=False):
        if not isinstance(raw, list):
            raise BadRule("a script is a list of rules")
        rules = [make_rule(rule) for rule in raw]
        with self.lock:
            self.rules = self.rules + rules if append else rules

    def take_early(self, kind, index):
        """The rule that ends this request before its body is read, if that is the next one."""
        with self.lock:
            for rule in self.rules:
                if rule.max_bytes is None and rule.fits(kind, index):
                    if not rule.at_request():
                        return None
                    if rule.use():
                        return rule
        return None

    def take(self, kind, index, size):
        with self.lock:
            for rule in self.rules:
                if rule.at_request() or not rule.fits(kind, index):
                    continue
                if (rule.max_bytes is None or size > rule.max_bytes) and rule.use():
                    return rule
        return None

    def describe(self):
        with self.lock:
            return [
                {
                    "fault": rule.fault,
                    "on": rule.on,
                    "applied": rule.applied,
                    "left": "always" if rule.left == float("inf") else rule.left,
                    "hits": rule.hits,
                }
                for rule in self.rules
            ]
