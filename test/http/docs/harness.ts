/** A line for a shell as it stands in the reference. */
export interface Line {
  /** Operation, and content type of its body where it has one. */
  name: string;
  line: string;
}

const ENTITIES: Record<string, string> = {
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#39;': "'",
  '&amp;': '&',
};

/** Text of a piece of markup. */
export function textOf(html: string): string {
  return html.replace(/<[^>]*>/g, '').replace(/&[#\w]+;/g, (entity) => ENTITIES[entity]!);
}

export function linesOf(html: string): Line[] {
  const blocks = html.matchAll(/<pre class="curl" data-name="([^"]*)"><code>([\s\S]*?)<\/code><\/pre>/g);
  return [...blocks].map(([, name, line]) => ({ name: name!, line: textOf(line!) }));
}
