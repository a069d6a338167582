/** Changes whenever the same operation on the same schema may get another price. */
export const costModelVersion = '1';
