/** Taken places are given back once there are so many, and they are more than the waiting ones. */
const TAKEN_MAX = 1_024;

/** First in, first out, O(1) at both ends (amortised); holds no more than twice what waits. */
export class Queue<T> {
  /** Nothing waits: no room is kept, since each session has several queues. */
  #items: (T | undefined)[] | undefined;
  #head = 0;

  get size(): number {
    return this.#items === undefined ? 0 : this.#items.length - this.#head;
  }

  push(item: T): void {
    if (this.#items === undefined) this.#items = [item];
    else this.#items.push(item);
  }

  /** The next one, left where it is. */
  peek(): T | undefined {
    return this.#items?.[this.#head];
  }

  shift(): T | undefined {
    const items = this.#items;
    if (items === undefined) return undefined;
    const item = items[this.#head];
    items[this.#head++] = undefined;
    if (this.#head === items.length) this.clear();
    else if (this.#head >= TAKEN_MAX && this.#head * 2 > items.length) {
      this.#items = items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  /** Takes out all others. */
  keep(wanted: (item: T) => boolean): void {
    for (let left = this.size; left > 0; left--) {
      const item = this.shift();
      if (item !== undefined && wanted(item)) this.push(item);
    }
  }

  clear(): void {
    this.#items = undefined;
    this.#head = 0;
  }
}
