/** Kinds of image file that can carry an XMP packet, each by its own specification. */
import type { FoundText } from './words/found-text.ts';

/** An image file taken apart just so far that its descriptions can be read and its XMP packet replaced. */
export interface XmpContainer {
  /** The packet that readers take, `null` where there is none. */
  packet: Uint8Array | null;
  /** Further packets, which stay as they are: repeated ones, and JPEG's extended XMP. */
  otherPackets: Buffer[];
  /** Descriptions, comments and titles outside XMP, filler included. */
  texts: FoundText[];
  /** Bytes that a packet may have. */
  room: number;
  /**
   * The file with this packet; every byte of pixels and of other metadata is the one that it was.
   * @param description with a text, the packet's new `dc:description`, EXIF and IPTC change so that they show no other one
   * @throws UnsupportedImage where the packet does not fit
   */
  withPacket(packet: Buffer, description: string | null): Buffer;
}
