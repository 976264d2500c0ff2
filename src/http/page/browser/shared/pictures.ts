/** Photographs as the browser itself reads them. */
import type { Card } from './cards.ts';
import { $ } from './document.ts';

/** Longest side in pixels of a photograph made smaller; many times what the network looks at. */
const SHRUNK_SIDE = 1600;
const THUMBNAIL_SIDE = 1000;
/** About 20 kB: what a tab may keep, some 5 MB, is enough for a hundred photographs with their results. */
const KEPT_SIDE = 400;

/** @param picture as a file, or as the `data:` URL of a small copy, which is empty where there is none */
export async function thumbnail({ element }: Card, picture: Blob | string): Promise<void> {
  const canvas = $<HTMLCanvasElement>('canvas', element);
  try {
    const bitmap = await createImageBitmap(typeof picture === 'string' ? await loaded(picture) : picture);
    paint(bitmap, canvas, THUMBNAIL_SIDE);
    bitmap.close();
  } catch {
    canvas.hidden = true;
    $('.none', element).hidden = false;
  }
}

async function loaded(url: string): Promise<HTMLImageElement> {
  const image = new Image();
  image.src = url;
  await image.decode();
  return image;
}

/** What `thumbnail` made, smaller, as a `data:` URL; empty where it could not. */
export async function smallCopy({ element, pictured }: Card): Promise<string> {
  await pictured;
  const canvas = $<HTMLCanvasElement>('canvas', element);
  if (canvas.hidden) return '';
  const small = document.createElement('canvas');
  paint(canvas, small, KEPT_SIDE, 'white');
  return small.toDataURL('image/jpeg', 0.7);
}

/** Paints a picture at its own shape, its longest side at most `side` pixels. */
function paint(
  picture: ImageBitmap | HTMLCanvasElement,
  canvas: HTMLCanvasElement,
  side: number,
  background?: string,
): void {
  const scale = Math.min(1, side / Math.max(picture.width, picture.height));
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  const context = canvas.getContext('2d')!;
  context.imageSmoothingQuality = 'high';
  if (background) {
    context.fillStyle = background;
    context.fillRect(0, 0, canvas.width, canvas.height);
  }
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
}

/** A smaller JPEG of the same photograph, or `null` where the browser cannot read it. */
export async function shrunk(file: File): Promise<Blob | null> {
  try {
    const picture = await createImageBitmap(file);
    const canvas = document.createElement('canvas');
    paint(picture, canvas, SHRUNK_SIDE, 'white'); // JPEG has no transparency
    picture.close();
    return await new Promise((resolve) => {
      canvas.toBlob(resolve, 'image/jpeg', 0.9);
    });
  } catch {
    return null;
  }
}
