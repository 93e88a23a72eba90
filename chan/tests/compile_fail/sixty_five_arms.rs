//! One arm more than there may be.
use dormouse_chan::{Receiver, select};

fn main() {
    let rx: Vec<Receiver<u8>> = Vec::new();
    select! {
        recv(rx[0]) -> _ => {}
        recv(rx[1]) -> _ => {}
        recv(rx[2]) -> _ => {}
        recv(rx[3]) -> _ => {}
        recv(rx[4]) -> _ => {}
        recv(rx[5]) -> _ => {}
        recv(rx[6]) -> _ => {}
        recv(rx[7]) -> _ => {}
        recv(rx[8]) -> _ => {}
        recv(rx[9]) -> _ => {}
        recv(rx[10]) -> _ => {}
        recv(rx[11]) -> _ => {}
        recv(rx[12]) -> _ => {}
        recv(rx[13]) -> _ => {}
        recv(rx[14]) -> _ => {}
        recv(rx[15]) -> _ => {}
        recv(rx[16]) -> _ => {}
        recv(rx[17]) -> _ => {}
        recv(rx[18]) -> _ => {}
        recv(rx[19]) -> _ => {}
        recv(rx[20]) -> _ => {}
        recv(rx[21]) -> _ => {}
        recv(rx[22]) -> _ => {}
        recv(rx[23]) -> _ => {}
        recv(rx[24]) -> _ => {}
        recv(rx[25]) -> _ => {}
        recv(rx[26]) -> _ => {}
        recv(rx[27]) -> _ => {}
        recv(rx[28]) -> _ => {}
        recv(rx[29]) -> _ => {}
        recv(rx[30]) -> _ => {}
        recv(rx[31]) -> _ => {}
        recv(rx[32]) -> _ => {}
        recv(rx[33]) -> _ => {}
        recv(rx[34]) -> _ => {}
        recv(rx[35]) -> _ => {}
        recv(rx[36]) -> _ => {}
        recv(rx[37]) -> _ => {}
        recv(rx[38]) -> _ => {}
        recv(rx[39]) -> _ => {}
        recv(rx[40]) -> _ => {}
        recv(rx[41]) -> _ => {}
        recv(rx[42]) -> _ => {}
        recv(rx[43]) -> _ => {}
        recv(rx[44]) -> _ => {}
        recv(rx[45]) -> _ => {}
        recv(rx[46]) -> _ => {}
        recv(rx[47]) -> _ => {}
        recv(rx[48]) -> _ => {}
        recv(rx[49]) -> _ => {}
        recv(rx[50]) -> _ => {}
        recv(rx[51]) -> _ => {}
        recv(rx[52]) -> _ => {}
        recv(rx[53]) -> _ => {}
        recv(rx[54]) -> _ => {}
        recv(rx[55]) -> _ => {}
        recv(rx[56]) -> _ => {}
        recv(rx[57]) -> _ => {}
        recv(rx[58]) -> _ => {}
        recv(rx[59]) -> _ => {}
        recv(rx[60]) -> _ => {}
        recv(rx[61]) -> _ => {}
        recv(rx[62]) -> _ => {}
        recv(rx[63]) -> _ => {}
        recv(rx[64]) -> _ => {}
        default => {}
    }
}
