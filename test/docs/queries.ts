/** Queries of CloudWatch Logs Insights, as far as the documents use its language. */

const WORDS =
  /^(filter|stats|fields|sort|by|as|and|or|in|like|not|asc|desc|limit|count|avg|pct|max|min|sum|ispresent)$/;

/** Names of the fields that a query reads: less texts, spans of time, aliases and the language's own. */
export function fieldsIn(query: string): string[] {
  const bare = query.replace(/"[^"]*"/g, '').replace(/\bbin\([^)]*\)/g, '');
  const aliases = [...bare.matchAll(/\bas (\w+)/g)].map(([, alias]) => alias!);
  const names = bare.match(/@?[a-z][\w.]*/gi) ?? [];
  return names.filter((name) => !WORDS.test(name) && !aliases.includes(name) && !name.startsWith('@'));
}
