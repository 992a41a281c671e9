/** Cells of the Int32Array that the main thread and the reader thread share. */

/** How many ack frames have arrived. */
export const ACKS = 0;
/** How many input replies have arrived. */
export const INPUTS = 1;
/** How many leftovers of frames the reader thread has written out. */
export const FLUSHED = 2;
/** How many terminations the reader thread has queued. */
export const TERMINATED = 3;
/** Up to which of them they have ended what ran. */
export const LANDED = 4;
/** 1 once the reader thread has let go of the inspector. */
export const LEFT = 5;
/** How many cells there are. */
export const CELLS = 6;

/** The descriptor of the protocol. */
export const PROTOCOL_FD = 3;
/** The largest frame body, as the server has it. */
export const MAX_FRAME = 64 * 1024 * 1024;
/** The protocol's version, said in hello. */
export const PROTOCOL_VERSION = 1;
