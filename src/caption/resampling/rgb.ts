/** A photograph, uint8 RGB HWC. */
export interface Rgb {
  pixels: Uint8Array;
  width: number;
  height: number;
}
