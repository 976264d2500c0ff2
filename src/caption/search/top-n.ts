/**
 * The N best items seen, as im2txt's `TopN` keeps them: a binary min-heap with exactly the moves of Python's `heapq`,
 * because equal scores leave it in heap-array order and captions must come out as the original prints them.
 */
export interface Scored {
  score: number;
}

export class TopN<T extends Scored> {
  readonly #heap: T[] = [];
  readonly #n: number;

  constructor(n: number) {
    this.#n = n;
  }

  get size(): number {
    return this.#heap.length;
  }

  /** When full, an item that only equals the lowest is rejected: first come stays. */
  push(item: T): void {
    if (this.#heap.length < this.#n) {
      this.#heap.push(item);
      siftDown(this.#heap, 0, this.#heap.length - 1);
      return;
    }
    const lowest = this.#heap[0];
    if (lowest === undefined || !(lowest.score < item.score)) return;
    this.#heap[0] = item;
    siftUp(this.#heap, 0);
  }

  /** In heap-array order. */
  items(): readonly T[] {
    return this.#heap;
  }

  /** Best first; equal ones in heap-array order (Python's `sort(reverse=True)` is stable). */
  sorted(): T[] {
    return this.#heap.toSorted((a, b) => b.score - a.score);
  }

  /** Score of the n-th best item, 1-based; -Infinity while there are fewer. */
  scoreOfRank(n: number): number {
    return this.sorted()[n - 1]?.score ?? Number.NEGATIVE_INFINITY;
  }
}

/** `heapq._siftdown`: moves the item at `pos` towards the root until its parent is not greater. */
function siftDown<T extends Scored>(heap: T[], start: number, pos: number): void {
  const item = heap[pos]!;
  while (pos > start) {
    const parent = (pos - 1) >> 1;
    if (!(item.score < heap[parent]!.score)) break;
    heap[pos] = heap[parent]!;
    pos = parent;
  }
  heap[pos] = item;
}

/** `heapq._siftup`: bubbles the smaller child up to a leaf, then sifts the item down from there. */
function siftUp<T extends Scored>(heap: T[], pos: number): void {
  const start = pos;
  const item = heap[pos]!;
  let child = 2 * pos + 1;
  while (child < heap.length) {
    const right = child + 1;
    if (right < heap.length && !(heap[child]!.score < heap[right]!.score)) child = right;
    heap[pos] = heap[child]!;
    pos = child;
    child = 2 * pos + 1;
  }
  heap[pos] = item;
  siftDown(heap, start, pos);
}
