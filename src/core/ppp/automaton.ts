// RFC 1661 §4.1: the Option Negotiation Automaton, as the RFC's own table. Read it beside the RFC.

/** In the RFC's order: the index of a state is its number there. */
export const STATES = [
  "Initial",
  "Starting",
  "Closed",
  "Stopped",
  "Closing",
  "Stopping",
  "Req-Sent",
  "Ack-Rcvd",
  "Ack-Sent",
  "Opened",
] as const;
export type State = (typeof STATES)[number];

export type AutomatonEvent =
  | "Up"
  | "Down"
  | "Open"
  | "Close"
  | "TO+"
  | "TO-"
  | "RCR+"
  | "RCR-"
  | "RCA"
  | "RCN"
  | "RTR"
  | "RTA"
  | "RUC"
  | "RXJ+"
  | "RXJ-"
  | "RXR";

export const ACTIONS = [
  "tlu",
  "tld",
  "tls",
  "tlf",
  "irc",
  "zrc",
  "scr",
  "sca",
  "scn",
  "str",
  "sta",
  "scj",
  "ser",
] as const;
export type Action = (typeof ACTIONS)[number];

/**
 * Columns 0 to 9. `-` cannot happen; otherwise actions, then the next state after `/`. The options
 * marked p (passive), r (restart) and the crossed-connection note x of the RFC add nothing here.
 */
const GRID: Readonly<Record<AutomatonEvent, string>> = {
  // biome-ignore format: one line an event, comparable by eye with RFC 1661 §4.1
  "Up":   "2      irc,scr/6  -      -              -      -      | -         -          -          -",
  // biome-ignore format: as above
  "Down": "-      -          0      tls/1          0      1      | 1         1          1          tld/1",
  // biome-ignore format: as above
  "Open": "tls/1  1          irc,scr/6 3           5      5      | 6         7          8          9",
  Close:
    "0     tlf/0      2      2              4      4      | irc,str/4 irc,str/4 irc,str/4 tld,irc,str/4",

  "TO+":
    "-       -          -      -              str/4  str/5  | scr/6     scr/6      scr/8      -",
  "TO-":
    "-       -          -      -              tlf/2  tlf/3  | tlf/3     tlf/3      tlf/3      -",

  "RCR+":
    "-      -          sta/2  irc,scr,sca/8  4      5      | sca/8     sca,tlu/9  sca/8      tld,scr,sca/8",
  "RCR-":
    "-      -          sta/2  irc,scr,scn/8  4      5      | scn/6     scn/7      scn/6      tld,scr,scn/6",
  // biome-ignore format: as above
  "RCA":  "-      -          sta/2  sta/3          4      5      | irc/7     scr/6      irc,tlu/9  tld,scr/6",
  // biome-ignore format: as above
  "RCN":  "-      -          sta/2  sta/3          4      5      | irc,scr/6 scr/6      irc,scr/8  tld,scr/6",

  // biome-ignore format: as above
  "RTR":  "-      -          sta/2  sta/3          sta/4  sta/5  | sta/6     sta/6      sta/6      tld,zrc,sta/5",
  // biome-ignore format: as above
  "RTA":  "-      -          2      3              tlf/2  tlf/3  | 6         6          8          tld,scr/6",

  // biome-ignore format: as above
  "RUC":  "-      -          scj/2  scj/3          scj/4  scj/5  | scj/6     scj/7      scj/8      scj/9",
  "RXJ+":
    "-      -          2      3              4      5      | 6         6          8          9",
  "RXJ-":
    "-      -          tlf/2  tlf/3          tlf/2  tlf/3  | tlf/3     tlf/3      tlf/3      tld,irc,str/5",

  // biome-ignore format: as above
  "RXR":  "-      -          2      3              4      5      | 6         7          8          ser/9",
};
export const EVENTS = Object.keys(GRID) as readonly AutomatonEvent[];

export type Transition = { readonly actions: readonly Action[]; readonly next: State };

function readCell(cell: string): Transition | undefined {
  if (cell === "-") return undefined;
  const [actions, number] = cell.includes("/") ? cell.split("/") : ["", cell];
  const next = STATES[Number(number)]!;
  return { actions: actions === "" ? [] : (actions!.split(",") as Action[]), next };
}

const TABLE = new Map<AutomatonEvent, readonly (Transition | undefined)[]>(
  EVENTS.map((event) => [
    event,
    GRID[event]
      .split(/[\s|]+/)
      .filter((cell) => cell !== "")
      .map(readCell),
  ]),
);

/** Undefined where the RFC says the event cannot happen in that state. */
export function transition(state: State, event: AutomatonEvent): Transition | undefined {
  return TABLE.get(event)![STATES.indexOf(state)];
}

/** States in which the Restart timer runs (RFC 1661 §4.2). */
export function restartTimerRuns(state: State): boolean {
  return (
    state === "Closing" ||
    state === "Stopping" ||
    state === "Req-Sent" ||
    state === "Ack-Rcvd" ||
    state === "Ack-Sent"
  );
}
