//! Reads just enough of an ELF file to tell whether it is static.
//!
//! Not here: 32-bit and big-endian files, which are refused. The layout is the ELF-64 object file format's.

use anyhow::{Context, Result, bail};

/// `p_type` of the program header that names the dynamic loader.
const PT_INTERP: u32 = 3;
/// Size of a 64-bit program header, in bytes.
const PROGRAM_HEADER_BYTES: u16 = 56;

/// Returns whether the program asks for a dynamic loader; a static (also static-pie) one does not.
pub(crate) fn needs_loader(file: &[u8]) -> Result<bool> {
    // Magic, then class 2 (64 bits), data 1 (little-endian).
    if file.get(..6) != Some(b"\x7fELF\x02\x01") {
        bail!("not a 64-bit little-endian ELF file");
    }
    let table = usize::try_from(u64::from_le_bytes(field(file, 32)?))?;
    let entry_bytes = u16::from_le_bytes(field(file, 54)?);
    let entries = u16::from_le_bytes(field(file, 56)?);
    if entry_bytes < PROGRAM_HEADER_BYTES {
        bail!("program headers of {entry_bytes} bytes");
    }
    for index in 0..usize::from(entries) {
        let at = table.saturating_add(index * usize::from(entry_bytes));
        if u32::from_le_bytes(field(file, at)?) == PT_INTERP {
            return Ok(true);
        }
    }
    Ok(false)
}

fn field<const N: usize>(file: &[u8], at: usize) -> Result<[u8; N]> {
    let end = at.checked_add(N).context("offset out of range")?;
    let bytes = file.get(at..end).with_context(|| format!("file ends before byte {end}"))?;
    Ok(bytes.try_into()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An ELF header followed by one program header of the given type.
    fn program(kind: u32) -> Vec<u8> {
        let mut file = vec![0_u8; 64 + 56];
        file[..6].copy_from_slice(b"\x7fELF\x02\x01");
        file[32] = 64;
        file[54] = 56;
        file[56] = 1;
        file[64..68].copy_from_slice(&kind.to_le_bytes());
        file
    }

    #[test]
    fn a_loader_is_found() {
        assert!(needs_loader(&program(PT_INTERP)).unwrap());
        assert!(!needs_loader(&program(1)).unwrap());
    }

    #[test]
    fn other_files_are_refused() {
        assert!(needs_loader(b"#!/bin/sh").is_err());
        assert!(needs_loader(&program(1)[..60]).is_err());
    }
}
