// What of WebAssembly the lane's loading needs; its types come with a browser's otherwise.
declare namespace WebAssembly {
  class Module {
    constructor(octets: Uint8Array);
  }
  class Memory {
    /** Pages of 64 KiB. */
    constructor(size: { initial: number; maximum: number });
    readonly buffer: ArrayBuffer;
  }
  class Instance {
    constructor(module: Module, imports: { env: { memory: Memory } });
    readonly exports: unknown;
  }
}
