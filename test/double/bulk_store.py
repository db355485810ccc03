"""Documents of the bulk double: indices, external versions, tombstones.

The rules are Elasticsearch's: with `version_type` external an operation is refused (409) unless its
version is above the stored one (`external_gte`: not below); a deleted document keeps its version as
a tombstone, so a late index operation with an older version does not bring it back.
"""

import json
import threading

EXTERNAL = {"external", "external_gt"}


class BadBulk(ValueError):
    """The request as a whole is not a bulk body (400)."""


def error(kind, reason):
    return {"type": kind, "reason": reason}


def parse_bulk(body, default_index=None):
    """NDJSON bytes -> list of (op, meta, source)."""
    if not body.endswith(b"\n"):
        raise BadBulk("The bulk request must be terminated by a newline [\\n]")
    lines = body.split(b"\n")[:-1]
    ops = []
    position = 0
    while position < len(lines):
        op, meta = _action(lines[position], default_index)
        position += 1
        source = None
        if op != "delete":
            if position == len(lines):
                raise BadBulk("the last action has no document")
            source = _parse(lines[position])
            position += 1
        ops.append((op, meta, source))
    if not ops:
        raise BadBulk("request body is required")
    return ops


def _parse(line):
    try:
        return json.loads(line)
    except ValueError as cause:
        raise BadBulk(f"not JSON: {cause}") from cause


def _action(line, default_index):
    action = _parse(line)
    if not isinstance(action, dict) or len(action) != 1:
        raise BadBulk("an action line has exactly one key")
    op, meta = next(iter(action.items()))
    if op not in ("index", "create", "delete"):
        raise BadBulk(f"Malformed action: the double has no [{op}]")
    meta = dict(meta)
    meta.setdefault("_index", default_index)
    if meta["_index"] is None:
        raise BadBulk("index is missing")
    return op, meta


class Index:
    def __init__(self, definition=None):
        self.definition = definition or {}
        self.documents = {}  # id -> (version, source); source None is a tombstone
        self.next_id = 1

    def live(self):
        return {key: doc for key, doc in self.documents.items() if doc[1] is not None}


class Store:
    def __init__(self):
        self.lock = threading.Lock()
        self.indices = {}

    def create(self, name, definition):
        with self.lock:
            if name in self.indices:
                return False
            self.indices[name] = Index(definition)
            return True

    def drop(self, name):
        with self.lock:
            return self.indices.pop(name, None) is not None

    def get(self, name):
        with self.lock:
            return self.indices.get(name)

    def clear(self):
        with self.lock:
            self.indices.clear()

    def live(self, name):
        """id -> (version, source) of the documents that exist, or None without the index."""
        with self.lock:
            index = self.indices.get(name)
            return None if index is None else index.live()

    def bulk(self, ops, failed=None, apply=True):
        """Items of the reply. `failed` maps an operation's place to (status, error): not applied.

        With apply=False the reply is what it would have been, and nothing is stored.
        """
        failed = failed or {}
        items = []
        with self.lock:
            for place, (op, meta, source) in enumerate(ops):
                if place in failed:
                    item = self._item(meta, *failed[place])
                else:
                    item = self._one(op, meta, source, apply)
                items.append({op: item})
        return items

    def _one(self, op, meta, source, apply):
        index = self.indices.get(meta["_index"]) or Index()
        if apply:
            self.indices.setdefault(meta["_index"], index)
        key = self._key(index, meta, apply)
        stored = index.documents.get(key)
        version, refused = self._version(op, meta, stored)
        if refused:
            return self._item(dict(meta, _id=key), 409, refused)
        if apply:
            index.documents[key] = (version, source)
        status, result = self._outcome(op, stored)
        item = self._item(dict(meta, _id=key), status)
        item.update(_version=version, result=result)
        return item

    @staticmethod
    def _key(index, meta, apply):
        if meta.get("_id") is not None:
            return str(meta["_id"])
        key = f"auto-{index.next_id}"
        index.next_id += 1 if apply else 0
        return key

    @staticmethod
    def _outcome(op, stored):
        exists = stored is not None and stored[1] is not None
        if op == "delete":
            return (200, "deleted") if exists else (404, "not_found")
        return (200, "updated") if exists else (201, "created")

    @staticmethod
    def _version(op, meta, stored):
        """The version to store, or the conflict."""
        kind = meta.get("version_type", "internal")
        current = stored[0] if stored else None
        if kind in EXTERNAL or kind == "external_gte":
            given = int(meta["version"])
            limit = given if kind == "external_gte" else given - 1
            if current is not None and current > limit:
                return None, _conflict(
                    meta, f"current version [{current}] is higher or equal to the one provided [{given}]"
                )
            return given, None
        if op == "create" and stored is not None and stored[1] is not None:
            return None, _conflict(meta, "document already exists")
        return (current or 0) + 1, None

    @staticmethod
    def _item(meta, status, problem=None):
        item = {"_index": meta["_index"], "_id": meta.get("_id"), "status": status}
        if problem:
            item["error"] = problem
        return item


def _conflict(meta, detail):
    return error("version_conflict_engine_exception", f"[{meta.get('_id')}]: version conflict, {detail}")


def filter_reply(payload, filter_path):
    """Roughly Elasticsearch's filter_path: names at the top, and fields of an item by name.

    As there, an item with none of the chosen fields is left out of the array.
    """
    patterns = [part.split(".") for part in (filter_path or "").split(",") if part]
    if not patterns:
        return payload
    top = {pattern[0] for pattern in patterns}
    kept = {name: value for name, value in payload.items() if name in top or "*" in top}
    fields = {pattern[2] if len(pattern) > 2 else "*" for pattern in patterns if pattern[0] in ("items", "*")}
    if "items" in kept and "*" not in fields:
        kept["items"] = _filter_items(kept["items"], fields)
    return kept


def _filter_items(items, fields):
    kept = []
    for item in items:
        op, body = next(iter(item.items()))
        body = {name: value for name, value in body.items() if name in fields}
        if body:
            kept.append({op: body})
    return kept
