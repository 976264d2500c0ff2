/** Stands for a logger or metrics: notes every call with its arguments, and answers itself where nothing else is named. */
export function noting<T>(calls: unknown[][], answers: Record<string, unknown> = {}): T {
  const stand: unknown = new Proxy(
    {},
    {
      get:
        (_, name: string) =>
        (...args: unknown[]) => {
          calls.push([name, ...args]);
          return name in answers ? answers[name] : stand;
        },
    },
  );
  return stand as T;
}
