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
        "get ControlConnection.state, get ControlConnection.readingPausedUntil, ControlConnection.snapshot",
      "src/core/server.ts": "Server.sessions, Server.session, Server.noted",
      "src/core/session-limits.ts": "SessionLimits.counted",
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
      "src/core/ppp/echo.ts": "Echo.probe, Echo.#answerProbe",
      "src/core/ppp/encryption.ts": "Encryption.close",
      "src/core/ppp/session.ts": "PppSession.probe",
      "src/core/pptp/call-events.ts": "setLinkInfo",
      "src/core/pptp/call.ts": "Call.linkInfo",
      "src/core/pptp/calls.ts": "Calls.offer",
      "src/core/pptp/control-connection.ts":
        "ControlConnection.offerCall, ControlConnection.sendSetLinkInfo, ControlConnection.abandon",
      "src/core/pptp/incoming-call.ts":
        "new PacIncomingCall, PacIncomingCall.request, PacIncomingCall.handle, PacIncomingCall.#answered, PacIncomingCall.clear, PacIncomingCall.handleTimeout, PnsIncomingCall.linkInfo",
      "src/core/pptp/outgoing-call.ts": "PnsOutgoingCall.linkInfo",
      "src/core/server.ts":
        "Server.setPolicy, Server.setRate, Server.disconnect, Server.endStrangers, Server.stop, Server.#rate, Server.#stopWhenIdle, Server.stopAtOnce",
      "src/plane/engine.ts": "Engine.close",
      "src/client/tcp/connection.ts": "set Connection.noDelay, Connection.write, Connection.end",
      "src/client/tcp/sender.ts": "Sender.write, Sender.finish",
      "src/client/tcp/udp.ts": "DatagramSocket.send",
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
      "src/core/call-session.ts": "CallSession.handleCounters",
      "src/core/client.ts": "Client.handleWorkerLost",
      "src/core/door.ts": "Door.makeRoom, Door.#giveWay",
      "src/core/guard/guard.ts":
        "Guard.refusesConnection, Guard.#refusesConnection, Guard.givesWay, Guard.refusesLogIn, Guard.loggedIn",
      "src/core/pptp/control-connection.ts":
        "ControlConnection.handleUnsent, ControlConnection.giveWay",
      "src/core/pptp/outputs.ts": "Outputs.unsent",
      "src/core/server.ts":
        "Server.handleUnsent, Server.readingPausedUntil, Server.handleWorkerLost, Server.makeRoom, Server.#giveWay, Server.#broken",
      "src/plane/context.ts": "PlaneContext.noFlow",
      "src/plane/engine.ts":
        "Engine.handleTruncated, Engine.handleSendRefused, Engine.handleWriteRefused",
      "src/plane/outbound.ts": "Outbound.handleRefused, queuedAt",
    },
  },
  {
    why: "made of our own values, for a peer to read",
    functions: {
      "src/core/ppp/authentication.ts": "showName",
      "src/client/proxy/socks-message.ts": "encodeMethod, encodeReply, encodeDatagram, writePlace",
      "src/client/proxy/socks4-message.ts": "encodeReply4",
    },
  },
  {
    why: "a peer can bring it about, and no target does yet",
    functions: {
      "src/core/access/user-buckets.ts": "UserBuckets.#giveBack",
      "src/core/call-session.ts":
        "CallSession.handleResyncNeeded, CallSession.handleDataProven, CallSession.handleKeysLost, CallSession.handleResetNeeded, CallSession.handleLinkInfo, CallSession.handleWanErrors",
      "src/core/guard/incidents.ts": "RecentSources.forget",
      "src/core/plane-outputs.ts": "linkLocal",
      "src/core/ppp/allowed.ts": "Allowed.renegotiation, Allowed.keyLoss",
      "src/core/ppp/ccp.ts": "CcpOptions.naked, CcpOptions.rejected, CcpOptions.#exactly",
      "src/core/ppp/chap-authenticator.ts":
        "ChapAuthenticator.handleTimeout, ChapAuthenticator.end, ChapAuthenticator.#handleChangePassword, ChapAuthenticator.#refuse, ChapAuthenticator.#failureOf",
      "src/core/ppp/chap-peer.ts": "ChapPeer.handleVerdict, ChapPeer.#handleFailure, failureCode",
      "src/core/ppp/control-protocol.ts":
        "ControlProtocol.renegotiate, ControlProtocol.protocolRejected, ControlProtocol.#mayRestart, ControlProtocol.#isRepeated",
      "src/core/ppp/doubt.ts":
        "get Doubt.#waitMs, Doubt.holds, Doubt.proven, Doubt.handleTimeout, Doubt.#ask",
      "src/core/ppp/echo.ts":
        "Echo.resync, Echo.question, Echo.#newQuestion, Echo.handleTimeout, Echo.#send, Echo.#remembered",
      "src/core/ppp/encryption.ts":
        "Encryption.protocolRejected, Encryption.renegotiate, Encryption.requestReset, Encryption.question, Encryption.handleTimeout, Encryption.down, Encryption.finished, Encryption.failed, Encryption.#handleResetRequest, Encryption.#handleResetAck, Encryption.#sendResetRequest, Encryption.#sendReset",
      "src/core/ppp/ipcp.ts": "IpcpGiver.naked, IpcpGiver.rejected, IpcpGiver.#leased",
      "src/core/ppp/ipv6cp.ts":
        "Ipv6cpOptions.naked, Ipv6cpOptions.rejected, Ipv6cpOptions.#suggestion",
      "src/core/ppp/link.ts": "Link.rejectProtocol, Link.echoDead",
      "src/core/ppp/network.ts":
        "NetworkLayer.down, NetworkLayer.finished, NetworkLayer.failed, NetworkPhase.protocolRejected, NetworkPhase.question, NetworkPhase.handleKeysLost, NetworkPhase.handleResetNeeded, NetworkPhase.handleTimeout, NetworkPhase.handleDeadline, NetworkPhase.encryptionDown, NetworkPhase.encryptionFailed, NetworkPhase.layerOver, NetworkPhase.#hold",
      "src/core/ppp/pap-authenticator.ts": "PapAuthenticator.handleTimeout",
      "src/core/ppp/pap-peer.ts": "PapPeer.handleVerdict, PapPeer.handleTimeout",
      "src/core/ppp/rate-limit.ts": "new Allowance, Allowance.take",
      "src/core/ppp/session.ts":
        "PppSession.handleResyncNeeded, PppSession.handleKeysLost, PppSession.handleResetNeeded, PppSession.doubts, PppSession.mayRenegotiate, PppSession.proven, PppSession.question, PppSession.linkDead, PppSession.isOpened, PppSession.protocolRejected, PppSession.refused, PppSession.unsettled",
      "src/core/pptp/call-events.ts": "linkInfoEvent, wanErrorsEvent",
      "src/core/pptp/call.ts": "Call.accept, Call.refuse",
      "src/core/pptp/collision.ts": "collision",
      "src/core/pptp/incoming-call.ts":
        "new PnsIncomingCall, PnsIncomingCall.handle, PnsIncomingCall.#connected, PnsIncomingCall.accept, PnsIncomingCall.refuse, PnsIncomingCall.clear, PnsIncomingCall.handleTimeout",
      "src/core/pptp/outgoing-call.ts": "PacOutgoingCall.handleTimeout",
      "src/plane/batches.ts": "Batches.#left",
      "src/plane/destinations.ts": "Destinations.lead, Destinations.find",
      "src/plane/engine.ts": "Engine.#network6, Engine.#advertise",
      "src/plane/flow-table.ts":
        "FlowTable.openNetwork6, FlowTable.toward6, FlowTable.towardLinkLocal6, Map64.get, Map64.set, Map64.delete, int32",
      "src/plane/flow.ts": "get Flow.answers, get Flow.clampMtu",
      "src/plane/gateway-answers.ts":
        "GatewayAnswers.dhcpAck, GatewayAnswers.echoReply, GatewayAnswers.neighbor, GatewayAnswers.advertise, GatewayAnswers.#send, GatewayAnswers.fragmentationNeeded, GatewayAnswers.packetTooBig",
      "src/plane/gateway.ts":
        "Gateway.#inform, Gateway.#admitToUs, Gateway.admit6, Gateway.#isClosedHost6, admitToHost4",
      "src/plane/inbound.ts": "carries",
      "src/plane/judge.ts": "FlowJudge.#source6, ownsSource6",
      "src/plane/key-budget.ts": "KeyBudget.grant",
      "src/plane/key-walks.ts":
        "new KeyWalk, KeyWalk.startsAt, KeyWalk.moved, KeyWalk.go, KeyWalk.wipe, KeyWalk.#startFor, KeyWalk.#advance, KeyWalks.of, KeyWalks.take",
      "src/plane/mppe-receive.ts": "MppeReceive.placeProven, MppeReceive.#walk",
      "src/plane/mppe-send.ts": "MppeSend.flush",
      "src/plane/outbound.ts": "Outbound.#toward6, Outbound.#clamp4, Outbound.drain",
      "src/plane/unread.ts": "Unread.proven",
      "src/client/tcp/answers.ts": "Answers.echo",
      "src/client/tcp/arrival.ts": "takeTimestamp",
      "src/client/tcp/congestion.ts":
        "get Congestion.threshold, Congestion.restart, Congestion.lost, Congestion.reduce, Congestion.fall, Congestion.timedOut",
      "src/client/tcp/connection.ts":
        "get Connection.writable, get Connection.#maySend, Connection.enterTimeWait, Connection.#rests, Connection.narrow, Connection.hasInFlight",
      "src/client/tcp/round-trip.ts": "RoundTrip.backOff, RoundTrip.distrusted",
      "src/client/tcp/scoreboard.ts":
        "Scoreboard.highest, Scoreboard.add, Scoreboard.uncovered, Scoreboard.holeFrom, Scoreboard.holeEnd",
      "src/client/tcp/sender.ts":
        "get Sender.writable, get Sender.pushes, get Sender.recovering, Sender.copy, Sender.narrowed, Sender.handleTimeout, Sender.#again, Sender.#more, Sender.#repeat, Sender.#worthSending, Sender.#countDuplicate, Sender.#doubtRepeated, Sender.#lostBelow",
      "src/client/tcp/stack.ts": "Stack.#takeIcmp, Stack.#rests",
      "src/client/tcp/udp.ts": "DatagramSocket.unreachable",
    },
  },
];
