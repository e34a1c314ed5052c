//! The program's entrypoint. Anchor's, which is `solana-program-entrypoint`'s, spends some 240 compute units an account on
//! reading the accounts and on freeing them at the end; this one 70.

use std::{
    alloc::{GlobalAlloc, Layout},
    ptr::null_mut,
    slice,
};

use anchor_lang::{
    prelude::*,
    solana_program::entrypoint::{
        custom_panic_default, HEAP_LENGTH, HEAP_START_ADDRESS, MAX_PERMITTED_DATA_INCREASE,
        NON_DUP_MARKER, SUCCESS,
    },
};

use crate::dispatch;

custom_panic_default!();

/// Allocates upwards and frees nothing: the heap ends with the instruction. Its code stands wherever something is allocated,
/// and is shorter than that of `solana-program-entrypoint`'s.
struct Heap;

#[global_allocator]
static HEAP: Heap = Heap;

/// Where the next allocation starts, as an offset; at the heap's own start.
const NEXT: *mut usize = HEAP_START_ADDRESS as *mut usize;

/// Takes the next bytes; null where the heap has too few left.
///
/// # Safety
/// `entrypoint` has set `NEXT`.
#[inline(always)]
unsafe fn bump(layout: Layout) -> *mut u8 {
    // SAFETY: as this function's. A layout's size and alignment are at most `isize::MAX`, so nothing wraps.
    unsafe {
        let mask = layout.align().wrapping_sub(1);
        let start = (*NEXT).wrapping_add(mask) & !mask;
        let end = start.wrapping_add(layout.size());
        if end > HEAP_LENGTH {
            return null_mut();
        }
        *NEXT = end;
        NEXT.cast::<u8>().add(start)
    }
}

#[inline(never)]
unsafe fn bump_bytes(layout: Layout) -> *mut u8 {
    // SAFETY: as this function's.
    unsafe { bump(layout) }
}

// SAFETY: no two allocations overlap: each starts where the one before it ends, or behind.
unsafe impl GlobalAlloc for Heap {
    /// Not inlined for bytes: the texts of errors are many, and copied where nothing counts.
    #[inline(always)]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as this function's.
        unsafe {
            if layout.align() == 1 {
                bump_bytes(layout)
            } else {
                bump(layout)
            }
        }
    }

    /// The runtime clears the heap, and nothing is allocated twice.
    #[inline(always)]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as this function's.
        unsafe { self.alloc(layout) }
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

/// # Safety
/// `input` is what the runtime passes to a program.
#[no_mangle]
pub unsafe extern "C" fn entrypoint(input: *mut u8) -> u64 {
    // SAFETY: nothing is allocated before; for `read`, as this function's.
    let (program, accounts, data) = unsafe {
        *NEXT = size_of::<usize>();
        read(input)
    };
    match dispatch::entry(program, accounts, data) {
        Ok(()) => SUCCESS,
        Err(error) => error.into(),
    }
}

/// What stands before an account's data (solana-program-entrypoint 3, `deserialize`).
#[repr(C)]
struct Header {
    /// `NON_DUP_MARKER`, or the position of the account that this one repeats.
    duplicate_of: u8,
    is_signer: u8,
    is_writable: u8,
    executable: u8,
    /// Padding, in which `AccountInfo::resize` expects the data's length at the start.
    original_data_len: u32,
    key: Pubkey,
    owner: Pubkey,
    lamports: u64,
    data_len: u64,
}

/// Reads the program id, the accounts and the instruction's data. The accounts are never freed: the heap ends with the
/// instruction.
///
/// # Safety
/// As [`entrypoint`].
unsafe fn read<'a>(input: *mut u8) -> (&'a Pubkey, &'a [AccountInfo<'a>], &'a [u8]) {
    const WORD: usize = size_of::<u64>();
    // SAFETY: the runtime lays the accounts out one after the other, each at a multiple of eight: a header, the data, room for
    // it to grow, padding, and eight bytes of rent epoch; a repeated one in eight bytes. Then come the length of the
    // instruction's data, the data, and the program id. Each header is turned into references once.
    unsafe {
        let count = *input.cast::<u64>() as usize;
        let mut place = input.add(WORD);
        let mut accounts: Vec<AccountInfo<'a>> = Vec::with_capacity(count);
        let first = accounts.as_mut_ptr();
        for position in 0..count {
            let header = place.cast::<Header>();
            let duplicate_of = (*header).duplicate_of;
            if duplicate_of == NON_DUP_MARKER {
                let data_len = (*header).data_len as usize;
                (*header).original_data_len = data_len as u32;
                let data = place.add(size_of::<Header>());
                first.add(position).write(AccountInfo::new(
                    &(*header).key,
                    (*header).is_signer != 0,
                    (*header).is_writable != 0,
                    &mut (*header).lamports,
                    slice::from_raw_parts_mut(data, data_len),
                    &(*header).owner,
                    (*header).executable != 0,
                ));
                let padded = data_len.wrapping_add(WORD.wrapping_sub(1)) & !WORD.wrapping_sub(1);
                place = data.add(padded).add(MAX_PERMITTED_DATA_INCREASE).add(WORD);
            } else {
                let original = &*first.add(usize::from(duplicate_of));
                first.add(position).write(original.clone());
                place = place.add(WORD);
            }
        }
        let len = *place.cast::<u64>() as usize;
        let data = place.add(WORD);
        let program = &*data.add(len).cast::<Pubkey>();
        std::mem::forget(accounts);
        (
            program,
            slice::from_raw_parts(first, count),
            slice::from_raw_parts(data, len),
        )
    }
}
