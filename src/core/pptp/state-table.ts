// RFC 2637 §3.1, §3.2: what each message does in each state. Total, so that no order of messages is a
// surprise; a test walks them all. What an action sends is in control-connection.ts and the calls.
import type { ControlMessageKind } from "../../wire/pptp/index.js";

/** §3.1. A closed connection takes nothing; a muted one (collision) neither. */
export type ControlState = "idle" | "wait_ctl_reply" | "established" | "wait_stop_reply";

export type ControlAction =
  /** Take the request as the side that accepted. */
  | "start"
  | "started"
  /** §3.1.2: Stop-Control-Connection-Reply and close. */
  | "restart"
  | "stop"
  | "stopped"
  | "echo"
  | "echoed"
  /** A request for a new call. */
  | "ask"
  /** To the call it names. */
  | "route"
  /** Out of state: counted, no answer, no change. */
  | "out"
  /** Out of state where nothing but one message may come: counted and closed, without an answer. */
  | "close"
  /** We are leaving: whatever comes is dropped. */
  | "drop";

type Row<S extends string, A extends string> = Readonly<Record<S, A>>;
type Table<S extends string, A extends string> = Readonly<Record<ControlMessageKind, Row<S, A>>>;

function control(
  idle: ControlAction,
  wait_ctl_reply: ControlAction,
  established: ControlAction,
  wait_stop_reply: ControlAction,
): Row<ControlState, ControlAction> {
  return { idle, wait_ctl_reply, established, wait_stop_reply };
}

// biome-ignore format: read as a table
export const controlTable: Table<ControlState, ControlAction> = {
  //                                     idle      wait_ctl_reply  established  wait_stop_reply
  StartControlConnectionRequest: control("start",  "close",        "restart",   "drop"   ),
  StartControlConnectionReply:   control("close",  "started",      "out",       "drop"   ),
  StopControlConnectionRequest:  control("close",  "stop",         "stop",      "stop"   ),
  StopControlConnectionReply:    control("close",  "close",        "out",       "stopped"),
  EchoRequest:                   control("close",  "close",        "echo",      "drop"   ),
  EchoReply:                     control("close",  "close",        "echoed",    "drop"   ),
  OutgoingCallRequest:           control("close",  "close",        "ask",       "drop"   ),
  OutgoingCallReply:             control("close",  "close",        "route",     "drop"   ),
  IncomingCallRequest:           control("close",  "close",        "ask",       "drop"   ),
  IncomingCallReply:             control("close",  "close",        "route",     "drop"   ),
  IncomingCallConnected:         control("close",  "close",        "route",     "drop"   ),
  CallClearRequest:              control("close",  "close",        "route",     "drop"   ),
  CallDisconnectNotify:          control("close",  "close",        "route",     "drop"   ),
  WanErrorNotify:                control("close",  "close",        "route",     "drop"   ),
  SetLinkInfo:                   control("close",  "close",        "route",     "drop"   ),
};

/** §3.2. `wait_accept` is ours: the Incoming-Call-Request waits for the data path. */
export type CallState =
  | "wait_cs_ans"
  | "wait_reply"
  | "wait_accept"
  | "wait_connect"
  | "established"
  | "wait_disconnect";

export type CallAction =
  /** The reply that our request waits for. */
  | "answered"
  /** That reply after we gave the call up. */
  | "late"
  | "connected"
  | "cleared"
  | "ended"
  | "wanErrors"
  | "linkInfo"
  | "out";

export type CallMachine = "pacOutgoing" | "pnsOutgoing" | "pacIncoming" | "pnsIncoming";

type CallColumn =
  | "pacOutgoing wait_cs_ans"
  | "pacOutgoing established"
  | "pnsOutgoing wait_reply"
  | "pnsOutgoing established"
  | "pnsOutgoing wait_disconnect"
  | "pacIncoming wait_reply"
  | "pacIncoming established"
  | "pnsIncoming wait_accept"
  | "pnsIncoming wait_connect"
  | "pnsIncoming established"
  | "pnsIncoming wait_disconnect";

export const callColumns: readonly CallColumn[] = [
  "pacOutgoing wait_cs_ans",
  "pacOutgoing established",
  "pnsOutgoing wait_reply",
  "pnsOutgoing established",
  "pnsOutgoing wait_disconnect",
  "pacIncoming wait_reply",
  "pacIncoming established",
  "pnsIncoming wait_accept",
  "pnsIncoming wait_connect",
  "pnsIncoming established",
  "pnsIncoming wait_disconnect",
];

function call(...actions: CallAction[]): Row<CallColumn, CallAction> {
  return Object.fromEntries(callColumns.map((column, at) => [column, actions[at] ?? "out"])) as Row<
    CallColumn,
    CallAction
  >;
}

const __ = "out";

// biome-ignore format: read as a table
export const callTable: Table<CallColumn, CallAction> = {
  //                                  pacOutgoing           | pnsOutgoing                              | pacIncoming           | pnsIncoming
  //                                  wait_cs_ans established wait_reply  established wait_disconnect    wait_reply established  wait_accept wait_connect established wait_disconnect
  StartControlConnectionRequest: call(__,         __,         __,         __,         __,                __,         __,         __,         __,          __,         __       ),
  StartControlConnectionReply:   call(__,         __,         __,         __,         __,                __,         __,         __,         __,          __,         __       ),
  StopControlConnectionRequest:  call(__,         __,         __,         __,         __,                __,         __,         __,         __,          __,         __       ),
  StopControlConnectionReply:    call(__,         __,         __,         __,         __,                __,         __,         __,         __,          __,         __       ),
  EchoRequest:                   call(__,         __,         __,         __,         __,                __,         __,         __,         __,          __,         __       ),
  EchoReply:                     call(__,         __,         __,         __,         __,                __,         __,         __,         __,          __,         __       ),
  OutgoingCallRequest:           call(__,         __,         __,         __,         __,                __,         __,         __,         __,          __,         __       ),
  OutgoingCallReply:             call(__,         __,         "answered", __,         "late",            __,         __,         __,         __,          __,         __       ),
  IncomingCallRequest:           call(__,         __,         __,         __,         __,                __,         __,         __,         __,          __,         __       ),
  IncomingCallReply:             call(__,         __,         __,         __,         __,                "answered", __,         __,         __,          __,         __       ),
  IncomingCallConnected:         call(__,         __,         __,         __,         __,                __,         __,         __,         "connected", __,         __       ),
  CallClearRequest:              call("cleared",  "cleared",  __,         __,         __,                __,         "cleared",  __,         __,          __,         __       ),
  CallDisconnectNotify:          call(__,         __,         "ended",    "ended",    "ended",           __,         __,         "ended",    "ended",     "ended",    "ended"  ),
  WanErrorNotify:                call(__,         __,         __,         "wanErrors",__,                __,         __,         __,         __,          "wanErrors",__       ),
  SetLinkInfo:                   call(__,         "linkInfo", __,         __,         __,                __,         "linkInfo", __,         __,          __,         __       ),
};

export function callAction(
  machine: CallMachine,
  state: CallState,
  kind: ControlMessageKind,
): CallAction {
  // A pair that is no column (the machines have their own states only) would be out of state.
  return callTable[kind][`${machine} ${state}` as CallColumn] ?? "out";
}
