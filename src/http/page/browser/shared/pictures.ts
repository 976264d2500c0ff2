/** Photographs as the browser itself reads them. */
import type { Card } from './cards.ts';
import { $ } from './document.ts';

/** Longest side in pixels of a photograph made smaller; many times what the network looks at. */
const SHRUNK_SIDE = 1600;
const THUMBNAIL_SIDE = 1000;

export async function thumbnail({ file, element }: Card): Promise<void> {
  const canvas = $<HTMLCanvasElement>('canvas', element);
  try {
    const picture = await createImageBitmap(file);
    paint(picture, canvas, THUMBNAIL_SIDE);
    picture.close();
  } catch {
    canvas.hidden = true;
    $('.none', element).hidden = false;
  }
}

/** Paints a picture at its own shape, its longest side at most `side` pixels. */
function paint(picture: ImageBitmap, canvas: HTMLCanvasElement, side: number, background?: string): void {
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
