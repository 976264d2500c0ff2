/**
 * A reporter that ends the process at the first test that fails: nobody asks for the others.
 * @param {AsyncIterable<import('node:test/reporters').TestEvent>} events
 */
export default async function* bail(events) {
  for await (const { type, data } of events) {
    const failed = type === 'test:complete' && data.details.passed === false;
    if (failed && data.todo === undefined && data.skip === undefined) {
      yield `${data.name}\n`;
      process.exit(1);
    }
  }
}
