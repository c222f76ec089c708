// The functions of the machines that no corpus calls, each with its reason: a new one comes with a hunt, or
// with a line here. By file, in the order of the text.

export type Unreached = {
  readonly why: string;
  readonly functions: Readonly<Record<string, string>>;
};

export const UNREACHED: readonly Unreached[] = [
  {
    why: "words for people, made of figures of ours",
    functions: {
      "src/core/bulletin/bulletin.ts": "*",
      "src/core/bulletin/forms.ts": "*",
      "src/core/bulletin/told.ts": "*",
      "src/core/guard/incident-report.ts": "*",
    },
  },
  {
    why: "compiled: the plane's targets run it as the lane, which V8 does not count by function",
    functions: {
      "src/plane/assembly/cells.ts": "*",
      "src/plane/assembly/coalesce.ts": "*",
      "src/plane/assembly/mppe.ts": "*",
      "src/plane/assembly/receive.ts": "*",
      "src/plane/assembly/transmit.ts": "*",
    },
  },
  {
    why: "sockets of Node; what comes from them the targets socks and dns read, and Node's own parser",
    functions: {
      "src/client/proxy/association.ts": "*",
      "src/client/proxy/destination.ts": "*",
      "src/client/proxy/http-proxy.ts": "*",
      "src/client/proxy/joined.ts": "*",
      "src/client/proxy/name-resolver.ts": "*",
      "src/client/proxy/proxies.ts": "*",
      "src/client/proxy/socks-client.ts": "*",
    },
  },
  {
    why: "what status, the ledger and the sums of memory ask",
    functions: {
      "src/core/access/address-pool.ts": "FreeQueue.has, get AddressPool.size",
      "src/core/access/user-buckets.ts": "get UserBuckets.size",
      "src/core/client.ts": "get Client.ppp",
      "src/core/guard/paces.ts": "get Paces.size",
      "src/core/ppp/outputs.ts": "get OutputQueue.size",
      "src/core/pptp/control-connection.ts":
        "get ControlConnection.state, ControlConnection.snapshot",
      "src/core/server.ts": "Server.sessions, Server.session",
      "src/core/session-table.ts": "SessionTable.all",
      "src/plane/drop-reason.ts": "get DropCounts.total",
      "src/plane/flow-table.ts": "FlowTable.flows",
      "src/plane/key-walks.ts": "get KeyWalks.size",
      "src/plane/send-window.ts": "get AdaptiveTimeOut.unclampedMs",
      "src/client/tcp/connection.ts": "get Connection.noDelay, get Connection.memoryOctets",
      "src/client/tcp/receiver.ts": "get Receiver.memoryOctets",
      "src/client/tcp/sender.ts": "get Sender.memoryOctets",
      "src/client/tcp/stack.ts": "get Stack.memoryOctets, Stack.counters",
      "src/client/tcp/udp.ts": "get DatagramSocket.memoryOctets",
    },
  },
  {
    why: "a wish of the operator's, or of the program that uses it",
    functions: {
      "src/core/call-session.ts": "CallSession.amend, CallSession.probe, CallSession.terminate",
      "src/core/client.ts": "Client.probe, Client.stop",
      "src/core/guard/blocks.ts": "Blocks.endsFor, Blocks.byOperator, Blocks.overlapping",
      "src/core/pptp/call-events.ts": "setLinkInfo",
      "src/core/pptp/call.ts": "Call.linkInfo",
      "src/core/pptp/calls.ts": "Calls.offer",
      "src/core/pptp/control-connection.ts":
        "ControlConnection.offerCall, ControlConnection.sendSetLinkInfo",
      "src/core/pptp/incoming-call.ts":
        "new PacIncomingCall, PacIncomingCall.request, PacIncomingCall.handle, PacIncomingCall.#answered, PacIncomingCall.clear, PacIncomingCall.handleTimeout, PnsIncomingCall.linkInfo",
      "src/core/pptp/outgoing-call.ts": "PnsOutgoingCall.linkInfo",
      "src/core/server.ts":
        "Server.setPolicy, Server.setRate, Server.disconnect, Server.stop, Server.#rate, Server.#stopWhenIdle, Server.stopAtOnce",
      "src/plane/engine.ts": "Engine.close",
    },
  },
  {
    why: "at the start, from the configuration or the store",
    functions: {
      "src/core/access/address-pool.ts": "poolRangeOf, countAddresses",
      "src/core/guard/blocks.ts": "Blocks.restore, keyOf",
      "src/core/guard/incidents.ts": "IncidentDetector.restoreUsual",
      "src/core/guard/usual.ts": "Usual.restore",
    },
  },
  {
    why: "what the kernel, the store or a data worker does, no peer",
    functions: {
      "src/core/client.ts": "Client.handleWorkerLost",
      "src/core/server.ts": "Server.handleWorkerLost, Server.#broken",
      "src/plane/engine.ts": "Engine.handleSendRefused, Engine.handleWriteRefused",
      "src/plane/outbound.ts": "Outbound.handleRefused, queuedAt",
    },
  },
  {
    why: "made of our own values, for a peer to read",
    functions: {
      "src/client/proxy/socks-message.ts": "encodeMethod, encodeReply, encodeDatagram, writePlace",
      "src/client/proxy/socks4-message.ts": "encodeReply4",
    },
  },
  {
    why: "the interface or the base has it, with nothing to do: no caller comes to it, whatever the peer does",
    functions: {
      "src/core/ppp/chap-peer.ts": "ChapPeer.handleVerdict",
      "src/core/ppp/pap-authenticator.ts": "PapAuthenticator.handleTimeout",
      "src/core/ppp/pap-peer.ts": "PapPeer.handleVerdict",
      "src/core/pptp/call.ts": "Call.accept, Call.refuse",
    },
  },
  {
    why: "of a composition that there is not: neither server nor client tells a connection of one to the same peer",
    functions: {
      "src/core/pptp/collision.ts": "collision",
      "src/core/pptp/control-connection.ts": "ControlConnection.abandon",
    },
  },
  {
    why: "what unit tests look at: in use the compiled lane reads the same cells",
    functions: {
      "src/plane/destinations.ts": "Destinations.find",
    },
  },
];
