// The types of the protocol, generated from its schema. Not here: anything written by hand.
export type * from "../../../../spec/types/tenon.d.ts";
