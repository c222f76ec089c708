// A fault behind five octets, each behind a branch of its own: guided, it is found; blind, it is not.
export function maze(input: Uint8Array): number {
  if (input[0] === 0x68) {
    if (input[1] === 0x6f) {
      if (input[2] === 0x6c) {
        if (input[3] === 0x64) {
          if (input[4] === 0x21) throw new Error("the end of the maze");
          return 4;
        }
        return 3;
      }
      return 2;
    }
    return 1;
  }
  return 0;
}
