/** Kinds of image file that can carry an XMP packet, each by its own specification. */

/** An image file taken apart just so far that its XMP packet can be read and replaced. */
export interface XmpContainer {
  /** The packet that readers take, `null` where there is none. */
  packet: Uint8Array | null;
  /**
   * The file with this packet; every byte of pixels and of other metadata is the one that it was.
   * @throws UnsupportedImage where the packet does not fit
   */
  withPacket(packet: Buffer): Buffer;
}
