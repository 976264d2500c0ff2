/** Colour profiles written byte by byte (ICC.1:2022). */

/** Linear sRGB's colours, as the profile of 1998 has them. */
export const SRGB_COLORANTS = {
  rXYZ: xyz(0.436066, 0.222488, 0.013916),
  gXYZ: xyz(0.385147, 0.716873, 0.097076),
  bXYZ: xyz(0.143066, 0.060608, 0.714096),
};

/** A display's, from RGB to XYZ. */
export function profileOf(tags: Record<string, Buffer>, kind = 'mntrRGB XYZ '): Buffer {
  const entries = Object.entries(tags);
  const head = Buffer.alloc(132 + 12 * entries.length);
  head.write(kind, 12, 'latin1');
  head.write('acsp', 36, 'latin1');
  head.writeUInt32BE(entries.length, 128);
  let offset = head.length;
  entries.forEach(([name, tag], i) => {
    head.write(name, 132 + 12 * i, 'latin1');
    head.writeUInt32BE(offset, 136 + 12 * i);
    head.writeUInt32BE(tag.length, 140 + 12 * i);
    offset += tag.length;
  });
  return Buffer.concat([head, ...entries.map(([, tag]) => tag)]);
}

export function xyz(...values: [x: number, y: number, z: number]): Buffer {
  return Buffer.concat([Buffer.from('XYZ \0\0\0\0', 'latin1'), fixed(values)]);
}

/** A formula with its parameters. */
export function para(kind: number, parameters: readonly number[]): Buffer {
  return Buffer.concat([Buffer.from([...Buffer.from('para'), 0, 0, 0, 0, 0, kind, 0, 0]), fixed(parameters)]);
}

/** A table of light, 0 to 1; of one entry, a power. */
export function curv(light: readonly number[]): Buffer {
  const tag = Buffer.alloc(12 + 2 * light.length);
  tag.write('curv', 'latin1');
  tag.writeUInt32BE(light.length, 8);
  light.forEach((value, i) => {
    tag.writeUInt16BE(Math.round(value * 65_535), 12 + 2 * i);
  });
  return tag;
}

function fixed(values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, i) => {
    bytes.writeInt32BE(Math.round(value * 65_536), 4 * i);
  });
  return bytes;
}
