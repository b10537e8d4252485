#!/usr/bin/env python3
"""A whole client in seventy lines: python3 minimal.py WORKSPACE PROMPT. It speaks lines over `tenon attach`."""
import itertools
import json
import os
import subprocess
import sys

workspace, prompt = os.path.abspath(sys.argv[1]), sys.argv[2]
agent = subprocess.Popen([os.environ.get("TENON", "tenon"), "attach"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
events, ids = [], itertools.count(1)  # events that came while we waited for an answer


def receive():
    return json.loads(agent.stdout.readline() or sys.exit("the agent closed the connection"))


def send(message):
    agent.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
    agent.stdin.flush()


def call(method, params):
    number = next(ids)
    send({"id": number, "method": method, "params": params})
    while True:
        message = receive()
        if message.get("id") == number:
            if message.get("error", {}).get("code", 1206) != 1206:  # 1206: somebody else answered first
                sys.exit(f"{method}: {message['error']['message']}")
            return message.get("result")
        if message.get("method") == "agent/event":
            events.append(message["params"]["result"])


def text(content):  # one over 1 MiB stands by reference, and is fetched page by page
    for part in content:
        if part["type"] == "text":
            yield part["text"]
        elif part["type"] == "ref" and part.get("whole"):
            page = {"next": 0}
            while "next" in page:
                page = call("agent/fetch", {"ref": part["ref"], "range": {"start": page["next"]}})
                yield page["text"]


def approve(request):
    print(f"? {request['title']}", file=sys.stderr)
    ids = [option["id"] for option in request["options"]]
    decision = "allow" if "allow" in ids else "deny"  # a real client asks a person
    call("agent/answer", {"requestId": request["requestId"], "decision": decision})


hello = {"protocol": [1], "client": {"id": "minimal-py", "kind": "example"}, "render": {"approval": {}}}
call("initialize", {"processId": None, "rootUri": None, "capabilities": {"experimental": {"agent": hello}}})
send({"method": "initialized", "params": {}})
opened = call("agent/open", {"workspace": workspace, "settings": {"trust": "session"}})
session = opened["session"]["id"]
call("agent/observe", {"sessionId": session, "after": opened["cursor"]})
turn = call("agent/prompt", {"sessionId": session, "input": [{"type": "text", "text": prompt}]}).get("turnId")
while True:
    event = events.pop(0) if events else receive().get("params", {}).get("result", {})
    kind, data = event.get("type"), event.get("data", {})
    if kind == "message.ended" and data["role"] == "assistant" and not data.get("superseded"):
        print("".join(text(data["content"])), flush=True)
    elif kind == "request.opened" and data["kind"] == "approval":
        approve(data)
    elif kind == "turn.ended" and event["turn"] == turn:
        sys.exit(0 if data["stop"] == "done" else event["text"])
    elif kind:
        print(f"  {event['text']}", file=sys.stderr)
