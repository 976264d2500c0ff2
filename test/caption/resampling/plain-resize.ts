/** `Image.resize` of Pillow by its definition: whole pictures, one sample at a time. */

export type Picture = number[][][];
type Filter = 'nearest' | 'box' | 'bilinear' | 'hamming' | 'bicubic' | 'lanczos';

const sinc = (x: number) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));
const KERNELS: Record<Exclude<Filter, 'nearest'>, [reach: number, (x: number) => number]> = {
  box: [0.5, (x) => (x > -0.5 && x <= 0.5 ? 1 : 0)],
  bilinear: [1, (x) => 1 - Math.min(1, Math.abs(x))],
  hamming: [
    1,
    (x) =>
      x === 0
        ? 1
        : Math.abs(x) >= 1
          ? 0
          : sinc(x) * (Math.fround(0.54) + Math.fround(0.46) * Math.cos(Math.PI * x)),
  ],
  bicubic: [
    2,
    (signed) => {
      const x = Math.abs(signed);
      if (x >= 2) return 0;
      return x < 1 ? 1.5 * x ** 3 - 2.5 * x ** 2 + 1 : -0.5 * (x ** 3 - 5 * x ** 2 + 8 * x - 4);
    },
  ],
  lanczos: [3, (x) => (Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0)],
};

export function plainResize(picture: Picture, filter: Filter, width: number, height: number): Picture {
  const across = (rows: Picture) => rows.map((row) => line(row, filter, width));
  const down = (rows: Picture) => turned(turned(rows).map((column) => line(column, filter, height)));
  const [lostRows, lostColumns] = [picture.length - height, picture[0]!.length - width];
  return lostRows > 0 && lostRows > 2 * lostColumns ? across(down(picture)) : down(across(picture));
}

const turned = (rows: Picture): Picture => rows[0]!.map((_, x) => rows.map((row) => row[x]!));

function line(pixels: number[][], filter: Filter, length: number): number[][] {
  const scale = pixels.length / length;
  // One step after the other, each rounded: 7.5 times 1.6 is 12, the sum of the steps is less.
  let place = scale / 2;
  if (filter === 'nearest') {
    return Array.from({ length }, () => {
      const pixel = pixels[Math.floor(place)]!;
      place += scale;
      return pixel;
    });
  }
  const [reach, kernel] = KERNELS[filter];
  return Array.from({ length }, (_, i) => {
    const centre = (i + 0.5) * scale;
    const stretch = Math.max(1, scale);
    const from = Math.max(0, Math.floor(centre - reach * stretch + 0.5));
    const seen = pixels.slice(from, Math.floor(centre + reach * stretch + 0.5));
    const weights = seen.map((_, n) => kernel((from + n + 0.5 - centre) / stretch));
    const sum = weights.reduce((a, b) => a + b, 0);
    // Numbers of fixed point: halves away from zero, then a half up.
    const fixed = weights.map((w) => Math.sign(w) * Math.floor(Math.abs(w / sum) * 2 ** 22 + 0.5));
    return [0, 1, 2].map((channel) => {
      const total = seen.reduce((a, pixel, n) => a + pixel[channel]! * fixed[n]!, 2 ** 21);
      return Math.min(255, Math.max(0, Math.floor(total / 2 ** 22)));
    });
  });
}
