// How real callers open a control connection and a call. Every value is marked: [S] seen in logs or
// source of that peer, [K] general knowledge; all of it reconstructed, none captured here.
import { describe, expect, it } from "vitest";
import { Bench } from "../control-peer.js";

type Fields = Readonly<Record<string, number | string>>;
type Opening = {
  readonly peer: string;
  readonly source: string;
  readonly request: Fields;
  readonly call: Fields;
  /** Set-Link-Info after OCRP: how many, and with which ACCM. */
  readonly linkInfo: { readonly times: number; readonly accm: number };
};

const openings: readonly Opening[] = [
  {
    peer: "Windows XP",
    source:
      "framing 1, bearer 1, channels 0, firmware = build 2600, vendor [S] MikroTik and pptpd debug " +
      "logs; OCRQ Call ID 0, 300 to 100,000,000 bit/s, bearer 3, window 64 [S]; repetition of SLI [K]",
    request: {
      framingCapabilities: 1,
      bearerCapabilities: 1,
      maximumChannels: 0,
      firmwareRevision: 2600,
      hostName: "",
      vendorString: "Microsoft Windows NT",
    },
    call: {
      callId: 0,
      minimumBps: 300,
      maximumBps: 100_000_000,
      bearerType: 3,
      framingType: 3,
      packetRecvWindowSize: 64,
    },
    linkInfo: { times: 2, accm: 0xffffffff },
  },
  {
    peer: "pptp-linux 1.10",
    source: "host local, vendor cananian, channels 65535, window 3, 2400 to 10,000,000 bit/s [S]",
    request: { maximumChannels: 65_535, hostName: "local", vendorString: "cananian" },
    call: {
      callId: 0x8f01,
      minimumBps: 2_400,
      maximumBps: 10_000_000,
      bearerType: 3,
      framingType: 3,
      packetRecvWindowSize: 3,
    },
    linkInfo: { times: 0, accm: 0 },
  },
  {
    peer: "MikroTik",
    source: "framing 2, bearer 0, channels 0, firmware 1, names MikroTik [S] log; its OCRQ [K]",
    request: {
      framingCapabilities: 2,
      bearerCapabilities: 0,
      maximumChannels: 0,
      firmwareRevision: 1,
      hostName: "MikroTik",
      vendorString: "MikroTik",
    },
    call: { callId: 1, bearerType: 3, framingType: 2, packetRecvWindowSize: 100 },
    linkInfo: { times: 1, accm: 0xffffffff },
  },
  {
    peer: "FreeBSD mpd",
    source: "ACCM 000a0000 [S]; the rest [K]",
    request: { framingCapabilities: 3, bearerCapabilities: 3, vendorString: "FreeBSD" },
    call: { callId: 0x2b67, bearerType: 3, framingType: 3, packetRecvWindowSize: 16 },
    linkInfo: { times: 1, accm: 0x000a0000 },
  },
];

describe.each(openings)("an opening like $peer's", ({ request, call, linkInfo }) => {
  it("gets SCCRP, OCRP with its own Call ID, and keeps the call through its Set-Link-Infos", () => {
    const bench = new Bench().receive("StartControlConnectionRequest", request);
    expect(bench.sent).toMatchObject([{ kind: "StartControlConnectionReply", resultCode: 1 }]);
    bench.forget().receive("OutgoingCallRequest", { ...call, phoneNumberLength: 0 });
    const asked = bench.events.find((event) => event.kind === "CallAsked");
    expect(asked).toMatchObject({
      terms: { peersCallId: call.callId, peersWindow: call.packetRecvWindowSize, role: "PAC" },
    });
    const callId = asked?.kind === "CallAsked" ? asked.terms.callId : -1;
    expect(callId).toBeGreaterThan(0);
    bench.connection.acceptCall(callId, bench.at);
    bench.drain();
    expect(bench.sent).toMatchObject([
      { kind: "OutgoingCallReply", resultCode: 1, callId, peersCallId: call.callId },
    ]);
    bench.forget();
    for (let i = 0; i < linkInfo.times; i++) {
      bench.receive("SetLinkInfo", {
        peersCallId: callId,
        sendAccm: linkInfo.accm,
        receiveAccm: linkInfo.accm,
      });
    }
    expect(bench.sent).toEqual([]);
    expect(bench.events.filter(({ kind }) => kind === "LinkInfo")).toHaveLength(linkInfo.times);
    expect(bench.connection.snapshot().calls).toHaveLength(1);
    bench.connection.handleClosed(bench.at);
    bench.drain();
    expect(bench.events.filter(({ kind }) => kind === "CallEnded")).toHaveLength(1);
  });
});
